import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'

const folder = fileURLToPath(new URL('./peers/', import.meta.url))

/** A package that only benches need; all of them are installed on first use. */
export async function peer<Module>(name: string): Promise<Module> {
  if (!existsSync(`${folder}node_modules/${name}`)) install()
  const entry = createRequire(`${folder}package.json`).resolve(name)
  return (await import(pathToFileURL(entry).href)) as Module
}

function install(): void {
  console.log('installing what Ashlar is compared with (bench/peers)')
  const { status } = spawnSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], {
    cwd: folder,
    stdio: 'inherit',
  })
  if (status !== 0) throw new Error(`npm ci in ${folder} failed`)
}
