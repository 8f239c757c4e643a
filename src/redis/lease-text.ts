import { nowText, script } from './script.ts'

/*
 * The scripts of `LeaseSets`. One line of leased messages (a lane) is kept under these keys, all of one slot:
 *
 *   counters  hash   seq, lease: numbers drawn so far; paused
 *   messages  hash   member > "id\nsent, in ms\n" and what the block wrote; of all lanes of a topic
 *   keys      hash   member > key, where it has one; of all lanes of a topic
 *   refs      hash   member > lanes that hold it, where it is more than one; of a topic
 *   ready     zset   by rank, then by due time
 *   delayed   zset   by due time: delays, and retries that wait
 *   leased    zset   by end of the lease
 *   lines     zset   "key NUL member", by text: the order of each key
 *   behind    zset   by due time: those that have another of their key before them
 *   tries     hash   member > "lease attempt progress"; the lease is 0 when nobody has it. Only of messages that were lent
 *   failures  hash   member > one line of JSON for each of the newest 10 failed attempts
 *   dead      zset   by time of death; the message stays where it is
 *   places    hash   id > member, of dead letters and of those that were sent again
 *   all       zset   by time of publishing: what is not settled; of a topic
 *
 * A member is 16 digits of `seq`, the rank (9 less the priority) and `k` if it has a key, else `-`, or `K` and `_` if it was dead
 * once: so members of equal scores are in sending order. A message is in one of ready, delayed, leased, behind, dead. `id` is the first member, and stays when a
 * dead letter is sent again. The number of a lease is the fence. What a script does is done wholly or not at all.
 */
export const laneKeys = [
  'counters',
  'messages',
  'keys',
  'refs',
  'ready',
  'delayed',
  'leased',
  'lines',
  'behind',
  'tries',
  'failures',
  'dead',
  'places',
  'all',
] as const

/** For scripts whose first keys are those of a lane. `skip`: how many arguments come before their own. */
export const laneText = `local ${laneKeys.join(', ')} = unpack(KEYS)
local skip = 0`

/** Storing and taking away. A rank is worth more milliseconds than a clock will show for long. */
export const insertText = `${nowText}
local rankMs = 4e12
local function memberOf(seq, rank, flag)
  return string.format('%016.0f', seq) .. rank .. flag
end
local function readyAt(member, at)
  redis.call('ZADD', ready, tonumber(string.sub(member, 17, 17)) * rankMs + at, member)
end
local function place(member, at)
  if at <= now then readyAt(member, at) else redis.call('ZADD', delayed, at, member) end
end
local function firstOf(key)
  return redis.call('ZRANGEBYLEX', lines, '[' .. key .. '\\0', '(' .. key .. '\\1', 'LIMIT', 0, 1)[1]
end
local function insert(member, key, at)
  local isBehind = key and firstOf(key)
  if key then redis.call('ZADD', lines, 0, key .. '\\0' .. member) end
  if isBehind then redis.call('ZADD', behind, at, member) else place(member, at) end
end`

/** A queue's message is in one lane, a topic's in several. */
export const forgetText = {
  queue: `
local function forget(member)
  redis.call('HDEL', messages, member)
  redis.call('HDEL', keys, member)
end`,
  topic: `
local function forget(member)
  if redis.call('HINCRBY', refs, member, -1) > 0 then return end
  redis.call('HDEL', refs, member)
  redis.call('HDEL', messages, member)
  redis.call('HDEL', keys, member)
end`,
}

export const removeText = `
local function keyOf(member)
  return string.lower(string.sub(member, 18)) == 'k' and redis.call('HGET', keys, member)
end
local function idOf(member)
  return string.match(redis.call('HGET', messages, member), '^[^\\n]+')
end
local function advance(member, key)
  redis.call('ZREM', lines, key .. '\\0' .. member)
  local first = firstOf(key)
  first = first and string.sub(first, #key + 2)
  local at = first and redis.call('ZSCORE', behind, first)
  if not at then return end
  redis.call('ZREM', behind, first)
  place(first, tonumber(at))
end
local function stateOf(member)
  local lease, attempt, progress = string.match(redis.call('HGET', tries, member) or '', '^(%d+) (%d+) (.*)$')
  return lease or '0', tonumber(attempt or 0), progress or ''
end
local function holds(member, lease)
  return lease ~= '0' and stateOf(member) == lease
end
local function remember(member, lease, attempt, progress)
  redis.call('HSET', tries, member, lease .. ' ' .. attempt .. ' ' .. progress)
end
local function take(member)
  if redis.call('ZREM', leased, member) == 0 then redis.call('ZREM', ready, member) end
end
local function fail(member, attempt, error)
  local line = cjson.encode({ attempt = attempt, at = math.floor(now), error = error })
  local kept = redis.call('HGET', failures, member)
  local _, more = string.gsub(kept or '', '\\n', '')
  if more >= 9 then kept = string.sub(kept, string.find(kept, '\\n', 1, true) + 1) end
  redis.call('HSET', failures, member, kept and kept .. '\\n' .. line or line)
end
local function drop(member)
  local key = keyOf(member)
  take(member)
  redis.call('ZREM', delayed, member)
  redis.call('ZREM', behind, member)
  redis.call('ZREM', all, member)
  if string.find(member, '[K_]') then redis.call('HDEL', places, idOf(member)) end
  if key then advance(member, key) end
  redis.call('HDEL', tries, member)
  redis.call('HDEL', failures, member)
  forget(member)
end`

const endedError = 'the lease ended: the worker died, or was too late'
/** Ended leases and due delays that one claim looks after. */
const moved = 500

/** max, lease in ms, bytes at most. What is due goes to the ready ones first; then the first of them are lent. */
const claimText = `
if redis.call('HGET', counters, 'paused') then return { -1, {} } end
for _, from in ipairs({ leased, delayed }) do
  local due = redis.call('ZRANGEBYSCORE', from, '-inf', now, 'WITHSCORES', 'LIMIT', 0, ${moved})
  for i = 1, #due, 2 do
    redis.call('ZREM', from, due[i])
    readyAt(due[i], tonumber(due[i + 1]))
    local _, attempt = stateOf(due[i])
    if from == leased then fail(due[i], attempt, '${endedError}') end
  end
end
local max, leaseMs, maxBytes = tonumber(ARGV[skip + 1]), tonumber(ARGV[skip + 2]), tonumber(ARGV[skip + 3])
local first = redis.call('ZRANGE', ready, 0, max - 1)
local lease = #first > 0 and redis.call('HINCRBY', counters, 'lease', #first) - #first
local lent, bytes = {}, 0
for i, member in ipairs(first) do
  local value = redis.call('HGET', messages, member)
  bytes = bytes + #value
  if i > 1 and bytes > maxBytes then break end
  local _, attempt, progress = stateOf(member)
  remember(member, whole(lease + i), attempt + 1, progress)
  redis.call('ZADD', leased, now + leaseMs, member)
  lent[i] = { member, value, keyOf(member), attempt + 1, whole(lease + i) }
end
if #lent > 0 then redis.call('ZREMRANGEBYRANK', ready, 0, #lent - 1) end
local due = -1
if #lent == 0 then
  for _, from in ipairs({ leased, delayed }) do
    local at = redis.call('ZRANGE', from, 0, 0, 'WITHSCORES')[2]
    if at then due = math.ceil(math.max(0, due < 0 and at - now or math.min(due, at - now))) end
  end
end
return { due, lent }`

/** channel, then for each: member, lease, outcome, delay in ms, error */
const settleText = `
local held, isNews = {}, false
for i = skip + 2, #ARGV, 5 do
  local member, outcome = ARGV[i], ARGV[i + 2]
  local isHeld = holds(member, ARGV[i + 1])
  if isHeld then
    local _, attempt, progress = stateOf(member)
    take(member)
    isNews = isNews or outcome == 'retry' or outcome == 'release'
    if outcome == 'retry' or outcome == 'dead' then fail(member, attempt, ARGV[i + 4]) end
    if outcome == 'release' then attempt = attempt - 1 end
    if outcome == 'done' or outcome == 'dead' then redis.call('HDEL', tries, member)
    else remember(member, '0', attempt, progress) end
    if outcome == 'retry' then place(member, now + tonumber(ARGV[i + 3])) end
    if outcome == 'release' then place(member, now) end
    if outcome == 'done' or outcome == 'dead' then
      local key = keyOf(member)
      redis.call('ZREM', all, member)
      if key then advance(member, key); isNews = true end
      if outcome == 'dead' then
        redis.call('ZADD', dead, now, member)
        redis.call('HSET', places, idOf(member), member)
      else
        if string.find(member, '[K_]') then redis.call('HDEL', places, idOf(member)) end
        redis.call('HDEL', failures, member)
        forget(member)
      end
    end
  end
  held[#held + 1] = isHeld and 1 or 0
end
if isNews then redis.call('PUBLISH', ARGV[skip + 1], '') end
return held`

/** lease in ms, then for each: member, lease. A lease that has ended still counts while nobody else was lent the message. */
const extendText = `
local held = {}
for i = skip + 2, #ARGV, 2 do
  local isHeld = holds(ARGV[i], ARGV[i + 1])
  if isHeld then
    take(ARGV[i])
    redis.call('ZADD', leased, now + tonumber(ARGV[skip + 1]), ARGV[i])
  end
  held[#held + 1] = isHeld and 1 or 0
end
return held`

/** place of the first, how many, bytes at most */
const deadText = `
local found, bytes = {}, 0
local from = tonumber(ARGV[skip + 1])
for i, member in ipairs(redis.call('ZRANGE', dead, from, from + ARGV[skip + 2] - 1)) do
  local value = redis.call('HGET', messages, member)
  bytes = bytes + #value
  if i > 1 and bytes > tonumber(ARGV[skip + 3]) then break end
  found[i] = { value, redis.call('HGET', failures, member) }
end
return found`

/**
 * channel, those that died until then ('': now), how many of all, then ids instead of all. Answers that time and how many went;
 * one that dies again while others are sent back stays.
 */
const redriveText = `
local died = ARGV[skip + 2] == '' and string.format('%.3f', now) or ARGV[skip + 2]
local chosen = {}
if #ARGV == skip + 3 then chosen = redis.call('ZRANGEBYSCORE', dead, '-inf', died, 'LIMIT', 0, ARGV[skip + 3]) end
for i = skip + 4, #ARGV do
  local member = redis.call('HGET', places, ARGV[i])
  local at = member and redis.call('ZSCORE', dead, member)
  if at and tonumber(at) <= tonumber(died) then chosen[#chosen + 1] = member end
end
for _, member in ipairs(chosen) do
  local value, key = redis.call('HGET', messages, member), keyOf(member)
  local new = memberOf(redis.call('HINCRBY', counters, 'seq', 1), string.sub(member, 17, 17), key and 'K' or '_')
  redis.call('ZREM', dead, member)
  redis.call('HSET', places, idOf(member), new)
  redis.call('HDEL', failures, member)
  forget(member)
  redis.call('HSET', messages, new, value)
  if key then redis.call('HSET', keys, new, key) end
  again(new)
  insert(new, key, now)
end
if #chosen > 0 then redis.call('PUBLISH', ARGV[skip + 1], '') end
return { died, #chosen }`

const againText = {
  queue: `local function again() end`,
  topic: `local function again(member) redis.call('ZADD', all, now, member) end`,
}

/** Answers ready, delayed, leased, dead, age of the oldest in ms. Counting costs the same however many there are. */
const statsText = `
local function upTo(from) return redis.call('ZCOUNT', from, '-inf', now) end
local isReady = redis.call('ZCARD', ready) + upTo(delayed) + upTo(leased) + upTo(behind)
local isDelayed = redis.call('ZCARD', delayed) - upTo(delayed) + redis.call('ZCARD', behind) - upTo(behind)
local oldest = now
for rank = 0, 9 do
  local first = redis.call('ZRANGEBYSCORE', ready, rank * rankMs, (rank + 1) * rankMs, 'WITHSCORES', 'LIMIT', 0, 1)[2]
  if first then oldest = math.min(oldest, first - rank * rankMs) end
end
for _, from in ipairs({ delayed, leased, behind }) do
  local first = redis.call('ZRANGE', from, 0, 0, 'WITHSCORES')[2]
  if first then oldest = math.min(oldest, first) end
end
return { isReady, isDelayed, redis.call('ZCARD', leased) - upTo(leased), redis.call('ZCARD', dead), string.format('%.3f', now - oldest) }`

export type LeaseKind = keyof typeof forgetText

/** @param guard what stands before all: it may set `skip`, and refuse */
export function leaseScripts(kind: LeaseKind, guard = '') {
  const of = (text: string) => script(laneText, guard, insertText, forgetText[kind], removeText, againText[kind], text)
  return {
    claim: of(claimText),
    settle: of(settleText),
    extend: of(extendText),
    dead: of(deadText),
    redrive: of(redriveText),
    stats: of(statsText),
  }
}
