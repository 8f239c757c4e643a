import { spawnSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

// Makes dist/ from src/: JavaScript and declarations by tsc, and the files that the code reads beside itself.

const assets = 'src/**/*.{sql,html,css,js,svg,json,proto,woff2}'

/** tsc renames the extension in imports, not in the URLs that start a file as a process or thread. */
const ownUrl = /(new URL\(\s*(['"])\.{1,2}\/[^'"]+)\.ts(\2,\s*import\.meta\.url)/g

rmSync('dist', { recursive: true, force: true })
const tsc = spawnSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.build.json'], {
  stdio: 'inherit',
})
if (tsc.status !== 0) process.exit(tsc.status ?? 1)

for (const file of globSync('dist/**/*.js')) {
  const text = readFileSync(file, 'utf8')
  const renamed = text.replaceAll(ownUrl, '$1.js$3')
  if (renamed !== text) writeFileSync(file, renamed)
}

const copied = globSync(assets)
for (const file of copied) {
  const target = path.join('dist', path.relative('src', file))
  mkdirSync(path.dirname(target), { recursive: true })
  cpSync(file, target)
}
console.log(`build: dist/ with ${globSync('dist/**/*.js').length} modules, ${copied.length} other files`)
