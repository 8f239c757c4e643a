import type { Service } from './service.ts'

export interface ConsoleOptions {
  /** First port to try. */
  port: number
  /** Environment of the role processes (`DATABASE_URL` …), for figures read from the engines. */
  env: Readonly<Record<string, string | undefined>>
}

export declare function openConsole(
  service: Service,
  options: ConsoleOptions,
): Promise<AsyncDisposable & { readonly url: string }>
