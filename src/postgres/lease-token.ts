/** `<lease>.<seq>`; what is no token of ours holds nothing. */
export function parseToken(token: string): { lease: string; seq: number } {
  const match = /^(\d{1,18})\.(\d{1,15})$/.exec(token)
  return match ? { lease: match[1]!, seq: Number(match[2]) } : { lease: '-1', seq: -1 }
}
