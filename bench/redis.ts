import { Redis } from 'ioredis'

/** As most people run it: on disk within a second. */
export async function everySecond(url: string): Promise<void> {
  const redis = new Redis(url)
  await redis.config('SET', 'appendfsync', 'everysec')
  redis.disconnect()
}
