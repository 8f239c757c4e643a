import { mkdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'

const longestMs = 15 * 60_000
const beatMs = 5000
const silentMs = 30_000

/** Runs the work while no other process does so in this checkout: waits for the file `installing` in the folder. */
export async function alone(folder, work) {
  const path = `${folder}/installing`
  mkdirSync(folder, { recursive: true })
  await claimed(path)
  const beat = setInterval(() => touch(path), beatMs)
  try {
    return await work()
  } finally {
    clearInterval(beat)
    rmSync(path, { force: true })
  }
}

async function claimed(path) {
  const until = Date.now() + longestMs
  for (let told = false; !claim(path); told = true) {
    if (Date.now() > until) throw new Error(`another install has been running for too long; it holds ${path}`)
    if (!told) console.error('ashlar: waiting for another install in this folder to finish')
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
}

function claim(path) {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx' })
    return true
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
  if (isAbandoned(path)) rmSync(path, { force: true })
  return false
}

/** Its holder is gone, or a process that is not the holder has its number (it would be silent). */
function isAbandoned(path) {
  try {
    const pid = Number(readFileSync(path, 'utf8'))
    return Date.now() - statSync(path).mtimeMs > silentMs || (pid > 0 && !isRunning(pid))
  } catch {
    return false
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error.code === 'EPERM'
  }
}

function touch(path) {
  try {
    utimesSync(path, new Date(), new Date())
  } catch {
    // Someone thought this process dead and took the file away: the work itself is sound.
  }
}
