import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createHash } from 'node:crypto'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const modules = `${root}node_modules`
const stampFile = `${modules}/.ashlar-installed`
const node = `${modules}/node/bin/node`

/**
 * Makes node_modules match package-lock.json and gives the path of the project's own Node.
 * Looks at two files and uses no network when nothing is missing. `undefined`: it failed and has said why.
 */
export async function install() {
  if (isStamped()) return node
  const { alone } = await import('./install-lock.mjs')
  try {
    return await alone(`${root}.ashlar`, async () => {
      if (!isStamped()) await complete()
      return node
    })
  } catch (error) {
    console.error(`ashlar: ${error.message}`)
  }
}

async function complete() {
  const { hasPackages, installPackages, finishNode, finishPostgres } = await import('./install-steps.mjs')
  if (!hasPackages(root)) {
    rmSync(stampFile, { force: true })
    await installPackages(root)
  }
  await finishNode(modules)
  finishPostgres(modules)
  mkdirSync(modules, { recursive: true })
  writeFileSync(stampFile, stamp())
}

function isStamped() {
  try {
    return readFileSync(stampFile, 'utf8') === stamp() && existsSync(node)
  } catch {
    return false
  }
}

/** Names the locked packages and the kind of machine: a folder shared with a container is installed anew there. */
function stamp() {
  const hash = createHash('sha256')
    .update(readFileSync(`${root}package-lock.json`))
    .digest('hex')
  return `${hash} ${process.platform}-${process.arch}\n`
}
