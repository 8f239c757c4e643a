import { insertText, laneKeys, laneText } from '../../redis/lease-text.ts'
import { script } from '../../redis/script.ts'

/** Outdated dedupe keys that one send takes away. */
const swept = 20

/**
 * After the lane's keys: windows (zset: dedupe key by end of its window), firsts (hash: dedupe key > id). Arguments: channel, then for
 * each message delay in ms, rank, key or '', dedupe key or '', its window in ms, text. Answers the ids.
 */
export const sendScript = script(
  laneText,
  insertText,
  `
local windows, firsts = KEYS[${laneKeys.length + 1}], KEYS[${laneKeys.length + 2}]
local sent = whole(math.floor(now))
local ids, isNews = {}, false
for i = 2, #ARGV, 6 do
  local key, dedupe = ARGV[i + 2] ~= '' and ARGV[i + 2], ARGV[i + 3]
  local ends = dedupe ~= '' and redis.call('ZSCORE', windows, dedupe)
  local id = ends and tonumber(ends) > now and redis.call('HGET', firsts, dedupe)
  if not id then
    local member = memberOf(redis.call('HINCRBY', counters, 'seq', 1), ARGV[i + 1], key and 'k' or '-')
    id = member
    redis.call('HSET', messages, member, id .. '\\n' .. sent .. '\\n' .. ARGV[i + 5])
    if key then redis.call('HSET', keys, member, key) end
    insert(member, key, now + tonumber(ARGV[i]))
    isNews = true
    if dedupe ~= '' then
      redis.call('ZADD', windows, now + tonumber(ARGV[i + 4]), dedupe)
      redis.call('HSET', firsts, dedupe, id)
    end
  end
  ids[#ids + 1] = id
end
for _, dedupe in ipairs(redis.call('ZRANGEBYSCORE', windows, '-inf', now, 'LIMIT', 0, ${swept})) do
  redis.call('ZREM', windows, dedupe)
  redis.call('HDEL', firsts, dedupe)
end
if isNews then redis.call('PUBLISH', ARGV[1], '') end
return ids`,
)
