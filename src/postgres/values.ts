import pg, { type CustomTypesConfig } from 'pg'

const int8 = 20
const int8Array = 1016

/** A count or a key as a number; what a number cannot hold exactly, as a bigint. */
function readInt8(text: string): number | bigint {
  const value = Number(text)
  return Number.isSafeInteger(value) ? value : BigInt(text)
}

/** How users get values: as `pg` reads them, but for `int8`. */
export const types: CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    const read = pg.types.getTypeParser(oid, format) as (text: string) => unknown
    if (format === 'binary') return read
    if (oid === int8) return readInt8
    if (oid === int8Array) return (text: string) => toInt8Array(read(text))
    return read
  },
}

function toInt8Array(value: unknown): unknown {
  return Array.isArray(value) ? value.map(toInt8Array) : value === null ? null : readInt8(value as string)
}
