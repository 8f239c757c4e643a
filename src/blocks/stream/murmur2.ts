/**
 * Kafka's own murmur2 (its DefaultPartitioner), so that a key keeps its partition when a stream moves to Kafka.
 * @returns a signed 32-bit number, as Java has it
 */
export function murmur2(data: Uint8Array): number {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength)
  const whole = data.length & ~3
  let h = 0x9747b28c ^ data.length
  for (let at = 0; at < whole; at += 4) h = Math.imul(h, m) ^ mixed(view.getInt32(at, true))
  if (whole < data.length) {
    for (let at = data.length - 1; at >= whole; at--) h ^= data[at]! << (8 * (at - whole))
    h = Math.imul(h, m)
  }
  h = Math.imul(h ^ (h >>> 13), m)
  return h ^ (h >>> 15)
}

const m = 0x5bd1e995

function mixed(word: number): number {
  const k = Math.imul(word, m)
  return Math.imul(k ^ (k >>> 24), m)
}

/** The partition of a key: Kafka's `toPositive(murmur2(key)) % partitions`. */
export function partitionOf(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions
}
