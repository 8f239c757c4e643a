import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import type { Say } from './engine.ts'

const progressMs = 10_000
const longestMs = 15 * 60_000
const tailChars = 4000

/** Where a program is, looked for on the PATH and in the other folders. */
export function find(program: string, ...otherFolders: string[]): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(path.delimiter), ...otherFolders].filter(Boolean)
  return folders.map((folder) => path.join(folder, program)).find(isExecutable)
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** @throws naming the package that has the program */
export function need(program: string, packages: string): string {
  const found = find(program)
  if (!found) throw new Error(`this needs the program ${program}: install it (Debian: apt-get install ${packages})`)
  return found
}

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
}

/** Runs a program to its end; says every ten seconds for how long. @throws with the last that it wrote, when it fails */
export async function run(say: Say, file: string, args: readonly string[], options: RunOptions = {}): Promise<void> {
  const what = [path.basename(file), ...args.slice(0, 2)].join(' ')
  const began = Date.now()
  const progress = setInterval(() => say(`${what} …, ${Math.round((Date.now() - began) / 1000)} s so far`), progressMs)
  try {
    await finished(what, file, args, options)
  } finally {
    clearInterval(progress)
  }
}

function finished(what: string, file: string, args: readonly string[], { cwd, env }: RunOptions): Promise<void> {
  const child = spawn(file, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: longestMs,
  })
  let tail = ''
  const keep = (chunk: string) => (tail = (tail + chunk).slice(-tailChars))
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', keep)
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(new Error(`${what}: ${error.message}`, { cause: error })))
    child.once('close', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`${what} ended with ${signal ?? `code ${code}`}:\n${tail.trim()}`))
    })
  })
}
