/*
 * What members of a group tell one another through Kafka, as its own consumers do (protocol type 'consumer'), numbers
 * big-endian:
 *
 *   subscription = version (i16) topics (i32 count, each: i16 length, UTF-8) user data (i32 length, -1 for none) …
 *   assignment   = version (i16) topics (i32 count, each: name, i32 count of partitions, each i32) user data …
 *
 * Later versions append fields, which readers of an earlier one leave alone.
 */

export function encodeSubscription(topic: string): Buffer {
  const name = Buffer.from(topic)
  const out = Buffer.alloc(2 + 4 + 2 + name.length + 4)
  let at = out.writeInt16BE(0, 0)
  at = out.writeInt32BE(1, at)
  at = out.writeInt16BE(name.length, at)
  at += name.copy(out, at)
  out.writeInt32BE(-1, at)
  return out
}

export function decodeSubscription(data: Buffer): string[] {
  const read = new Cursor(data)
  if (data.length < 6) return []
  read.int16()
  return Array.from({ length: read.int32() }, () => read.text())
}

export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  const name = Buffer.from(topic)
  const out = Buffer.alloc(2 + 4 + 2 + name.length + 4 + 4 * partitions.length + 4)
  let at = out.writeInt16BE(0, 0)
  at = out.writeInt32BE(1, at)
  at = out.writeInt16BE(name.length, at)
  at += name.copy(out, at)
  at = out.writeInt32BE(partitions.length, at)
  for (const partition of partitions) at = out.writeInt32BE(partition, at)
  out.writeInt32BE(-1, at)
  return out
}

/** The partitions of one topic; a member with none may get no bytes at all. */
export function decodeAssignment(data: Buffer, topic: string): number[] {
  if (data.length < 6) return []
  const read = new Cursor(data)
  read.int16()
  const all = Array.from({ length: read.int32() }, () => {
    const name = read.text()
    return { name, partitions: Array.from({ length: read.int32() }, () => read.int32()) }
  })
  return all.filter(({ name }) => name === topic).flatMap(({ partitions }) => partitions)
}

/** Kafka's own range assignor: members by id, partitions in order, the first members get one more where it does not come out even. */
export function rangesOf(members: readonly string[], partitions: number): Map<string, number[]> {
  const sorted = [...members].sort()
  const each = Math.floor(partitions / sorted.length)
  const more = partitions % sorted.length
  let next = 0
  return new Map(
    sorted.map((member, place) => {
      const count = each + (place < more ? 1 : 0)
      const first = next
      next += count
      return [member, Array.from({ length: count }, (_, n) => first + n)]
    }),
  )
}

class Cursor {
  readonly #data: Buffer
  #at = 0

  constructor(data: Buffer) {
    this.#data = data
  }

  int16(): number {
    this.#at += 2
    return this.#data.readInt16BE(this.#at - 2)
  }

  int32(): number {
    this.#at += 4
    return this.#data.readInt32BE(this.#at - 4)
  }

  text(): string {
    const length = this.int16()
    this.#at += length
    return this.#data.toString('utf8', this.#at - length, this.#at)
  }
}
