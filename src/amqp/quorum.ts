/**
 * Every queue here is replicated, and survives what its majority survives. A message is never dropped for having been handed
 * out too often, as newer servers do by default: the block counts attempts. A lease may last longer than the half hour that
 * a server allows by default (from 3.12 on).
 */
export const quorum = {
  durable: true,
  arguments: { 'x-queue-type': 'quorum', 'x-delivery-limit': 1_000_000_000, 'x-consumer-timeout': 7 * 86_400_000 },
}
