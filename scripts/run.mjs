// Behind every npm script: installs what is missing, then runs the command on the project's own Node.
// Plain JavaScript, because it must run on the Node that the machine happens to have (20 or newer).
import { fileURLToPath } from 'node:url'

const oldest = 20
if (Number(process.versions.node.split('.')[0]) < oldest) {
  console.error(`Ashlar needs Node ${oldest} or newer to install itself; this is Node ${process.versions.node}.`)
  process.exit(1)
}

/**
 * The options and the entry that each command hands to Node; what the user adds on the command line follows.
 * All run in the project's folder, except `ashlar`, which stays in the user's.
 */
const commands = {
  start: ['src/cli/main.ts', 'dev', '--blueprint', 'examples/photos/blueprint.ts'],
  ashlar: [fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))],
  test: ['scripts/test.ts'],
  lint: ['scripts/lint.ts'],
  types: ['node_modules/typescript/bin/tsc'],
  lengths: ['scripts/lengths.ts'],
  build: ['scripts/build.ts'],
  package: ['--test', 'test/package/package.test.ts'],
  photos: ['examples/photos/import.ts'],
  bench: ['bench/main.ts'],
  guarantees: ['scripts/guarantees.ts'],
  engines: ['engines/main.ts'],
  conformance: ['scripts/conformance.ts'],
}

const [name, ...rest] = process.argv.slice(2)
const command = name && Object.hasOwn(commands, name) ? commands[name] : undefined
if (!command) {
  console.error(`Unknown command: ${name ?? '(none)'}. Commands: ${Object.keys(commands).join(', ')}`)
  process.exit(2)
}

const root = fileURLToPath(new URL('..', import.meta.url))
const { install } = await import('./install.mjs')
const { launch } = await import('./launch.mjs')
const node = await install()
// Little room for young objects: what runs longest here is many small processes.
const flags = ['--conditions=source', '--max-semi-space-size=4']
if (node) launch(node, [...flags, ...command, ...rest], name === 'ashlar' ? process.cwd() : root)
else process.exitCode = 1
