import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'

// OWASP's scrypt setting for the smallest memory (16 MB): N = 2^14, r = 8, p = 5.
const cost = { N: 2 ** 14, r: 8, p: 5, maxmem: 64 * 1024 * 1024 }
const keyBytes = 32

const derive = promisify<string, Buffer, number, typeof cost, Buffer>(scrypt)

/** What is stored of a password: the salt and the key, base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(16)
  const key = await derive(password.normalize('NFKC'), salt, keyBytes, cost)
  return `scrypt:${salt.toString('base64url')}:${key.toString('base64url')}`
}

/**
 * Whether this password was hashed to that. Without a stored one the work is done all the same, so that the time
 * does not tell which addresses have an account.
 */
export async function isPassword(password: string, stored: string | undefined): Promise<boolean> {
  const [, salt = '', key = ''] = (stored ?? nobody).split(':')
  const expected = Buffer.from(key, 'base64url')
  const given = await derive(password.normalize('NFKC'), Buffer.from(salt, 'base64url'), keyBytes, cost)
  return given.length === expected.length && timingSafeEqual(given, expected) && stored !== undefined
}

const nobody = `scrypt:${randomBytes(16).toString('base64url')}:${randomBytes(keyBytes).toString('base64url')}`
