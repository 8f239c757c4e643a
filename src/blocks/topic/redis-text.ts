import { forgetText, insertText, laneKeys, laneText, removeText } from '../../redis/lease-text.ts'
import { script } from '../../redis/script.ts'

/*
 * Besides the keys of lanes (see `redis/lease-text.ts`), one lane a subscription: subscriptions (hash: name > number of its
 * lane), filters (hash: name > JSON), keeps (hash: name > "ms messages"), ended (set: lanes that are to be swept). In counters:
 * `version` grows with each change of subscriptions or filters, `lane` numbers lanes, `dropped:<lane>` counts.
 */

/** First in scripts of one subscription. Arguments: its name, its lane. After the lane's keys: subscriptions. */
export const guardText = `
if redis.call('HGET', KEYS[${laneKeys.length + 1}], ARGV[1]) ~= ARGV[2] then
  return redis.error_reply('GONE there is no such subscription')
end
skip = 2`

/** The publisher has decided by what he knew of the subscriptions; if that is outdated nothing is done and nothing answered. */
export const publishScript = script(
  `local counters, messages, keys, refs = unpack(KEYS)
local ready, delayed, lines, behind, all
if (redis.call('HGET', counters, 'version') or '0') ~= ARGV[1] then return false end`,
  insertText,
  `
local lanes = tonumber(ARGV[2])
local sent = whole(math.floor(now))
local ids = {}
local i = 3 + lanes
while i <= #ARGV do
  local key, count = ARGV[i] ~= '' and ARGV[i], tonumber(ARGV[i + 2])
  local member = memberOf(redis.call('HINCRBY', counters, 'seq', 1), 9, key and 'k' or '-')
  if count > 0 then
    redis.call('HSET', messages, member, member .. '\\n' .. sent .. '\\n' .. ARGV[i + 1])
    if key then redis.call('HSET', keys, member, key) end
    if count > 1 then redis.call('HSET', refs, member, count) end
  end
  for n = i + 3, i + 2 + count do
    local at = 4 * tonumber(ARGV[n])
    ready, lines, behind, all = KEYS[at + 5], KEYS[at + 6], KEYS[at + 7], KEYS[at + 8]
    insert(member, key, now)
    redis.call('ZADD', all, now, member)
  end
  ids[#ids + 1] = member
  i = i + 3 + count
end
for n = 3, 2 + lanes do redis.call('PUBLISH', ARGV[n], '') end
return ids`,
)

/** Keys: counters, subscriptions, filters. Answers the version and name, lane, filter of each. */
export const subscriptionsScript = script(`
local found = {}
local names = redis.call('HGETALL', KEYS[2])
for i = 1, #names, 2 do found[#found + 1] = { names[i], names[i + 1], redis.call('HGET', KEYS[3], names[i]) } end
return { redis.call('HGET', KEYS[1], 'version') or '0', found }`)

/** Keys: counters, subscriptions, filters, keeps. Arguments: name, filter, "ms messages". */
export const subscribeScript = script(`
local counters, subscriptions, filters, keeps = unpack(KEYS)
local name, filter, keep = unpack(ARGV)
local isNew = redis.call('HEXISTS', subscriptions, name) == 0
if isNew then redis.call('HSET', subscriptions, name, redis.call('HINCRBY', counters, 'lane', 1)) end
if isNew or redis.call('HGET', filters, name) ~= filter then
  redis.call('HSET', filters, name, filter)
  redis.call('HINCRBY', counters, 'version', 1)
end
redis.call('HSET', keeps, name, keep)`)

/** Keys: the same, and ended. From then on nobody gets at its messages; they are still to be swept. */
export const unsubscribeScript = script(`
local counters, subscriptions, filters, keeps, ended = unpack(KEYS)
local lane = redis.call('HGET', subscriptions, ARGV[1])
if not lane then return end
redis.call('HDEL', subscriptions, ARGV[1])
redis.call('HDEL', filters, ARGV[1])
redis.call('HDEL', keeps, ARGV[1])
redis.call('HDEL', counters, 'dropped:' .. lane)
redis.call('HINCRBY', counters, 'version', 1)
redis.call('SADD', ended, lane)`)

/** What one script takes away at most. */
const swept = 300

/** After the lane's keys: ended. Argument: the lane. Answers 1 when there is more to do. */
export const sweepScript = script(
  laneText,
  forgetText.topic,
  `
if redis.call('SISMEMBER', KEYS[${laneKeys.length + 1}], ARGV[1]) == 0 then return 0 end
for _, from in ipairs({ all, dead }) do
  local gone = redis.call('ZPOPMIN', from, ${swept})
  for i = 1, #gone, 2 do forget(gone[i]) end
  if #gone == ${2 * swept} then return 1 end
end
redis.call('UNLINK', ready, delayed, leased, lines, behind, tries, failures, dead, places, all)
redis.call('SREM', KEYS[${laneKeys.length + 1}], ARGV[1])
return 0`,
)

/**
 * After the lane's keys: subscriptions, keeps. Arguments: name, lane, channel, how many leased ones of the oldest were left alone
 * so far. Answers how many were dropped, how many were left alone in all, and 1 when there is more to do.
 */
export const trimScript = script(
  laneText,
  guardText,
  insertText,
  forgetText.topic,
  removeText,
  `
local keep = redis.call('HGET', KEYS[${laneKeys.length + 2}], ARGV[1])
local ms, most = string.match(keep, '^(%S+) (%S+)$')
local left = tonumber(ARGV[skip + 2])
local excess = redis.call('ZCARD', all) - tonumber(most) - left
local oldest = redis.call('ZRANGE', all, left, left + ${swept - 1}, 'WITHSCORES')
local dropped, isMore = 0, #oldest == ${2 * swept}
for i = 1, #oldest, 2 do
  local member = oldest[i]
  if excess <= 0 and tonumber(oldest[i + 1]) + tonumber(ms) > now then isMore = false; break end
  excess = excess - 1
  local ends = redis.call('ZSCORE', leased, member)
  if ends and tonumber(ends) > now then left = left + 1
  else
    drop(member)
    dropped = dropped + 1
  end
end
if dropped > 0 then
  redis.call('HINCRBY', counters, 'dropped:' .. ARGV[2], dropped)
  redis.call('PUBLISH', ARGV[skip + 1], '')
end
return { dropped, left, isMore and 1 or 0 }`,
)
