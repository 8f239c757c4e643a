import { existsSync, rmSync, writeFileSync } from 'node:fs'
import type { Say } from './engine.ts'
import { alone } from './install.ts'
import { find, run } from './run.ts'

const policy = '/usr/sbin/policy-rc.d'
const waitForOthers = ['-o', 'DPkg::Lock::Timeout=400']

/** Installs Debian packages; the services in them are not started. @throws with the command to give, when not root */
export async function aptInstall(say: Say, ...packages: string[]): Promise<void> {
  const command = `apt-get install -y --no-install-recommends ${packages.join(' ')}`
  if (!find('apt-get')) throw new Error(`install ${packages.join(' and ')} with the package manager of this system`)
  if (process.getuid?.() !== 0) throw new Error(`only root may install packages: sudo ${command}`)
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  await alone('/run/lock/ashlar-apt', () =>
    withoutServices(async () => {
      await run(say, 'apt-get', ['update', ...waitForOthers], { env })
      await run(say, 'apt-get', ['install', ...waitForOthers, ...command.split(' ').slice(2)], { env })
    }),
  )
}

/** A package starts its server, on the default port, unless a policy forbids it: ours, where there is none. */
async function withoutServices(work: () => Promise<void>): Promise<void> {
  if (existsSync(policy)) return work()
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    await work()
  } finally {
    rmSync(policy, { force: true })
  }
}
