import { open } from 'node:fs/promises'
import path from 'node:path'

/** What a data folder says about itself while nobody runs it (global/pg_control; the layout of 18 begins like that of 9). */
export interface Control {
  /** One for the whole cluster: replicas carry their primary's. */
  systemIdentifier: string
  /** True after an orderly stop of a primary. */
  cleanPrimary: boolean
  /** Where the last checkpoint is in the write-ahead log; after an orderly stop nothing follows it. */
  checkpoint: bigint
}

const shutDown = 1 // DBState DB_SHUTDOWNED

export async function readControl(data: string): Promise<Control> {
  const file = await open(path.join(data, 'global/pg_control'))
  try {
    const { buffer } = await file.read(Buffer.alloc(64), 0, 64, 0)
    return {
      systemIdentifier: buffer.readBigUInt64LE(0).toString(),
      cleanPrimary: buffer.readUInt32LE(16) === shutDown,
      checkpoint: buffer.readBigUInt64LE(32),
    }
  } finally {
    await file.close()
  }
}

/** Postgres writes a place in the log as two hexadecimal halves. */
export function parseLsn(text: string): bigint {
  const [high = '0', low = '0'] = text.split('/')
  return (BigInt(`0x${high}`) << 32n) | BigInt(`0x${low}`)
}
