import { forgetText, insertText, laneKeys, laneText, removeText } from '../../redis/lease-text.ts'
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

const lookText = `
local function memberAt(id)
  local member = redis.call('HGET', places, id) or id
  return redis.call('HEXISTS', messages, member) == 1 and member
end`

/** Argument: id. Answers id, state, attempt, time of sending and progress, or nothing. */
export const findScript = script(
  laneText,
  insertText,
  forgetText.queue,
  removeText,
  lookText,
  `
local member = memberAt(ARGV[1])
if not member then return false end
local id, sent = string.match(redis.call('HGET', messages, member), '^([^\\n]+)\\n([^\\n]+)')
local _, attempt, progress = stateOf(member)
if redis.call('ZSCORE', dead, member) then
  local last = string.match(redis.call('HGET', failures, member), '[^\\n]+$')
  return { id, 'dead', cjson.decode(last).attempt, sent, '' }
end
local function isLater(where) return tonumber(redis.call('ZSCORE', where, member) or 0) > now end
local state = 'ready'
if isLater(leased) then state = 'leased' elseif isLater(delayed) or isLater(behind) then state = 'delayed' end
return { id, state, attempt, sent, progress }`,
)

/** Arguments: channel, ids. Answers how many were taken away. */
export const cancelScript = script(
  laneText,
  insertText,
  forgetText.queue,
  removeText,
  lookText,
  `
local count = 0
for i = 2, #ARGV do
  local member = memberAt(ARGV[i])
  if member and not redis.call('ZSCORE', dead, member) then
    drop(member)
    count = count + 1
  end
end
if count > 0 then redis.call('PUBLISH', ARGV[1], '') end
return count`,
)

/** Arguments: member, lease, progress. Answers 1, or 0 where that lease no longer holds. */
export const progressScript = script(
  laneText,
  insertText,
  forgetText.queue,
  removeText,
  `
if not holds(ARGV[1], ARGV[2]) then return 0 end
local lease, attempt = stateOf(ARGV[1])
remember(ARGV[1], lease, attempt, ARGV[3])
return 1`,
)

/** Arguments: channel, 1 to pause. */
export const pauseScript = script(
  laneText,
  `
if ARGV[2] == '1' then redis.call('HSET', counters, 'paused', 1) else redis.call('HDEL', counters, 'paused') end
redis.call('PUBLISH', ARGV[1], '')`,
)
