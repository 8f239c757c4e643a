import type { Say } from './engine.ts'
import { need, run } from './run.ts'

/** Installs a Python package, with what it needs, into the folder; nothing else on the machine changes. */
export async function pipInstall(say: Say, folder: string, requirement: string): Promise<void> {
  const python = need('python3', 'python3 python3-pip')
  const quiet = ['--disable-pip-version-check', '--no-warn-conflicts', '--root-user-action=ignore']
  await run(say, python, ['-m', 'pip', 'install', '--quiet', ...quiet, '--target', folder, requirement])
}
