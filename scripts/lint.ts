import { spawnSync } from 'node:child_process'

/** Everything `npm run lint` checks. All run, so that one look shows all there is to mend. */
const checks = [
  ['oxlint', 'node_modules/.bin/oxlint', '--type-aware'],
  ['oxfmt', 'node_modules/.bin/oxfmt', '--check'],
  ['imports', process.execPath, 'scripts/imports.ts'],
] as const

const failed = checks.filter(([name, file, ...args]) => {
  console.log(`\n${name}`)
  return spawnSync(file, args, { stdio: 'inherit' }).status !== 0
})

console.log(failed.length ? `\nlint: ${failed.map(([name]) => name).join(', ')} failed` : '\nlint: in order')
process.exitCode = failed.length ? 1 : 0
