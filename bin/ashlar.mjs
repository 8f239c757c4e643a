#!/usr/bin/env node
// The command `ashlar`. In a checkout it goes through the launcher, which brings its own Node.
import { existsSync } from 'node:fs'

const oldest = 24
const launcher = new URL('../scripts/run.mjs', import.meta.url)

if (existsSync(launcher)) {
  process.argv.splice(2, 0, 'ashlar')
  await import(launcher)
} else if (Number(process.versions.node.split('.')[0]) < oldest) {
  console.error(`ashlar needs Node ${oldest} or newer; this is Node ${process.versions.node}.`)
  process.exit(1)
} else {
  await import('../dist/cli/main.js')
}
