import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isAshlarError } from '../../errors.ts'
import { checkCookieName, isSecure, readCookie, writeCookie, type CookieStyle } from './cookie.ts'

const style: CookieStyle = { name: 'sid', sameSite: 'lax', maxAgeMs: 3_600_000 }
const invalid = (text: RegExp) => (error: unknown) =>
  isAshlarError(error, 'invalid_argument') && text.test(error.message)

test('over https the cookie is __Host-, Secure, HttpOnly, SameSite, for the whole site', () => {
  assert.equal(writeCookie(style, 'v', true), '__Host-sid=v; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax; Secure')
  assert.equal(writeCookie(style, 'v', false), 'sid=v; Max-Age=3600; Path=/; HttpOnly; SameSite=Lax')
})

test('taking it back ends it at once, with the same attributes', () => {
  assert.equal(writeCookie(style, undefined, true), '__Host-sid=; Max-Age=0; Path=/; HttpOnly; SameSite=Lax; Secure')
})

test('the age is at most the 400 days that browsers keep', () => {
  assert.match(writeCookie({ ...style, maxAgeMs: 1e12 }, 'v', true), /Max-Age=34560000;/)
})

test('a cookie over 4096 bytes is refused with its size, counted in bytes', () => {
  assert.throws(() => writeCookie(style, 'x'.repeat(5000), true), invalid(/\b50\d\d bytes.*4096/))
  assert.throws(() => writeCookie(style, '😀'.repeat(1020), true), invalid(/\b41\d\d bytes/))
  assert.ok(Buffer.byteLength(writeCookie(style, 'x'.repeat(4000), true)) <= 4096)
})

test("sameSite 'none' over http is refused, since browsers drop it", () => {
  assert.throws(() => writeCookie({ ...style, sameSite: 'none' }, 'v', false), invalid(/none.*https/))
  assert.match(writeCookie({ ...style, sameSite: 'none' }, 'v', true), /SameSite=None; Secure$/)
})

test('a name that is no token, or that carries a prefix, is refused', () => {
  for (const name of ['', 'a b', 'a;b', 'ä', 'a=b', 'a\r\nSet-Cookie: x'])
    assert.throws(() => checkCookieName(name), invalid(/not a cookie name/))
  assert.throws(() => checkCookieName('__Host-sid'), invalid(/__Host-/))
  assert.throws(() => checkCookieName('__secure-sid'), invalid(/__Secure-/))
})

test('reads its own cookie and no look-alike', () => {
  const read = (header: string | null, secure = false) => readCookie(style, header, secure)
  assert.equal(read(null), undefined)
  assert.equal(read(''), undefined)
  assert.equal(read('sid=a'), 'a')
  assert.equal(read('x=1; sid=a; y=2'), 'a')
  assert.equal(read('x=1;sid=a'), 'a')
  assert.equal(read('xsid=a; Sid=b; sid2=c; sid'), undefined)
  assert.equal(read('sid=a=b'), 'a=b')
  assert.equal(read('__Host-sid=a'), undefined)
})

test('over https a cookie without the prefix, which a neighbour could have set, does not count', () => {
  assert.equal(readCookie(style, 'sid=a', true), undefined)
  assert.equal(readCookie(style, 'sid=evil; __Host-sid=a', true), 'a')
})

test('two different values are none: nobody can tell which is the owner', () => {
  assert.equal(readCookie(style, 'sid=a; sid=b', false), undefined)
  assert.equal(readCookie(style, 'sid=a; sid=a', false), 'a')
})

test('https is told by the URL or by what the edge says', () => {
  const request = (url: string, proto?: string) =>
    new Request(url, proto === undefined ? {} : { headers: { 'X-Forwarded-Proto': proto } })
  assert.equal(isSecure(request('https://a.example/')), true)
  assert.equal(isSecure(request('http://a.example/')), false)
  assert.equal(isSecure(request('http://a.example/', 'https')), true)
  assert.equal(isSecure(request('http://a.example/', 'HTTPS')), true)
  assert.equal(isSecure(request('http://a.example/', 'http, https')), false)
  assert.equal(isSecure(request('http://a.example/', 'httpsx')), false)
})
