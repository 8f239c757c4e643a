import { watch } from 'node:fs'

const settleMs = 150
const ignored = /(^|[\\/])(\.ashlar|\.git|node_modules|dist|public)([\\/]|$)|\.test\.ts$/

/** Calls back once after each burst of changes to source files below a folder. Static files under `public/` need no restart. */
export function watchSources(folder: string, changed: (file: string) => void): () => void {
  let timer: NodeJS.Timeout | undefined
  const watcher = watch(folder, { recursive: true }, (_event, file) => {
    if (!file || ignored.test(file) || !/\.(ts|js|mjs|json|sql)$/.test(file)) return
    clearTimeout(timer)
    timer = setTimeout(() => changed(file), settleMs)
  })
  watcher.on('error', () => watcher.close())
  return () => {
    clearTimeout(timer)
    watcher.close()
  }
}
