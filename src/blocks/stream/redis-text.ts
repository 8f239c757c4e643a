import { nowText, script } from '../../redis/script.ts'

/*
 * The scripts of the stream's driver. Its keys, all of one slot:
 *
 *   meta                    hash     partitions; compact; by partition: what of it is not indexed yet (`from:`, `until:`)
 *   ends, starts            hash     partition > next offset, first offset
 *   times, bytes            hash     partition > newest time, size
 *   log:<partition>         stream   id `<offset + 1>-0`; t time, k key, v value, h headers as JSON; what is null is not there
 *   newest:<partition>      hash     key > offset of its newest record; of streams that are compacted, as is the next one
 *   superseded:<partition>  zset     offset by time: records with a newer one of their key, and tombstones
 *   groups, versions        hash     group > its text (see group-store.ts), and how often it was written
 *   parked:<group>          zset     "partition/offset" by time of parking
 *   aside:<group>           hash     the same > the record
 *
 * A script looks at so many records at most, so that others need not wait for long.
 */
const page = 200

const entryText = `
local function sizeOf(key, value, headers)
  return 64 + #(key or '') + #(value or '') + #(headers or '')
end
local function read(entry)
  local found = {}
  for i = 1, #entry[2], 2 do found[entry[2][i]] = entry[2][i + 1] end
  found.offset = tonumber(string.match(entry[1], '^%d+')) - 1
  found.size = sizeOf(found.k, found.v, found.h)
  return found
end
local function idAt(offset) return string.format('%.0f', offset + 1) .. '-0' end`

/** What has a newer one of its key, or is a tombstone, goes once it is old. */
const noteText = `
local function note(newest, superseded, offset, key, isTombstone, time)
  local known = tonumber(redis.call('HGET', newest, key) or '')
  if known and known > offset then redis.call('ZADD', superseded, time, offset) end
  if known and known < offset then
    local before = redis.call('ZSCORE', superseded, known)
    if not before then redis.call('ZADD', superseded, timeOf(known) or time, known) end
  end
  if not known or known < offset then redis.call('HSET', newest, key, offset) end
  if isTombstone then redis.call('ZADD', superseded, time, offset) end
end`

/** Keys: meta. Argument: partitions. Answers how many there are. */
export const openScript = script(`
redis.call('HSETNX', KEYS[1], 'partitions', ARGV[1])
return redis.call('HGET', KEYS[1], 'partitions')`)

/**
 * Keys: meta, ends, times, bytes; for each partition log, newest, superseded. Arguments: channel, number of partitions, their
 * numbers; for each record: which of them (from 0), 1 if it has a key plus 2 if it has a value, key, value, headers. Answers offsets.
 * The order of offsets is that of times, also when the clock is set back.
 */
export const appendScript = script(
  nowText,
  entryText,
  `
local meta, ends, times, bytes = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local isCompact = redis.call('HGET', meta, 'compact')
local log
local function timeOf(offset)
  local entry = redis.call('XRANGE', log, idAt(offset), idAt(offset))[1]
  return entry and tonumber(read(entry).t)
end`,
  noteText,
  `
local count = tonumber(ARGV[2])
local states, offsets, told = {}, {}, {}
for n = 1, count do
  local partition = ARGV[2 + n]
  local time = math.max(math.floor(now), tonumber(redis.call('HGET', times, partition) or 0))
  states[n] = { partition = partition, next = tonumber(redis.call('HGET', ends, partition) or 0), time = time, size = 0 }
end
for i = 3 + count, #ARGV, 5 do
  local at = tonumber(ARGV[i]) + 1
  local state, has = states[at], tonumber(ARGV[i + 1])
  log = KEYS[3 * at + 2]
  local fields = { 't', whole(state.time) }
  if has % 2 == 1 then fields[3], fields[4] = 'k', ARGV[i + 2] end
  if has >= 2 then fields[#fields + 1] = 'v'; fields[#fields + 1] = ARGV[i + 3] end
  if ARGV[i + 4] ~= '' then fields[#fields + 1] = 'h'; fields[#fields + 1] = ARGV[i + 4] end
  redis.call('XADD', log, idAt(state.next), unpack(fields))
  if isCompact and has % 2 == 1 then
    note(KEYS[3 * at + 3], KEYS[3 * at + 4], state.next, ARGV[i + 2], has < 2, state.time)
  end
  offsets[#offsets + 1] = state.next
  state.next = state.next + 1
  state.size = state.size + sizeOf(ARGV[i + 2], ARGV[i + 3], ARGV[i + 4])
end
for n, state in ipairs(states) do
  redis.call('HSET', ends, state.partition, state.next)
  redis.call('HSET', times, state.partition, state.time)
  redis.call('HINCRBY', bytes, state.partition, state.size)
  told[n] = state.partition
end
redis.call('PUBLISH', ARGV[1], table.concat(told, ' '))
return offsets`,
)

/** Key: log. Arguments: offset, records and bytes at most, though one record at least. */
export const readScript = script(
  entryText,
  `
local found, bytes, from = {}, 0, tonumber(ARGV[1])
local most, room, count = tonumber(ARGV[2]), tonumber(ARGV[3]), 1
while #found < most do
  count = math.min(count, most - #found)
  local entries = redis.call('XRANGE', KEYS[1], idAt(from), '+', 'COUNT', count)
  for _, entry in ipairs(entries) do
    local record = read(entry)
    bytes = bytes + record.size
    if #found > 0 and bytes > room then return found end
    found[#found + 1] = entry
    from = record.offset + 1
  end
  if #entries < count then return found end
  count = math.max(1, math.floor((room - bytes) / (bytes / #found)))
end
return found`,
)

/** Keys: starts, ends; for each partition its log. Argument: time. Answers the first offset at or after it, or the end. */
export const offsetsAtScript = script(
  entryText,
  `
local function search(partition, log)
  local low = tonumber(redis.call('HGET', KEYS[1], partition) or 0)
  local last = tonumber(redis.call('HGET', KEYS[2], partition) or 0)
  local high = last
  while low < high do
    local middle = math.floor((low + high) / 2)
    local entry = redis.call('XRANGE', log, idAt(middle), '+', 'COUNT', 1)[1]
    local record = entry and read(entry)
    if not record or tonumber(record.t) >= tonumber(ARGV[1]) then high = middle else low = record.offset + 1 end
  end
  local entry = redis.call('XRANGE', log, idAt(low), '+', 'COUNT', 1)[1]
  return entry and read(entry).offset or last
end
local found = {}
for n = 3, #KEYS do found[n - 2] = search(n - 3, KEYS[n]) end
return found`,
)

/** Keys: meta, ends. From now on appends are indexed; what is there already is still to be. */
export const compactScript = script(`
if redis.call('HSETNX', KEYS[1], 'compact', 1) == 0 then return end
local ends = redis.call('HGETALL', KEYS[2])
for i = 1, #ends, 2 do redis.call('HSET', KEYS[1], 'from:' .. ends[i], 0, 'until:' .. ends[i], ends[i + 1]) end`)

/** Keys: meta, log, newest, superseded. Argument: partition. Answers 1 when there is more to do. */
export const indexScript = script(
  entryText,
  `
local meta, log = KEYS[1], KEYS[2]
local from, to = tonumber(redis.call('HGET', meta, 'from:' .. ARGV[1]) or 0), tonumber(redis.call('HGET', meta, 'until:' .. ARGV[1]) or 0)
if from >= to then return 0 end
local function timeOf(offset)
  local entry = redis.call('XRANGE', log, idAt(offset), idAt(offset))[1]
  return entry and tonumber(read(entry).t)
end`,
  noteText,
  `
local entries = redis.call('XRANGE', log, idAt(from), idAt(to - 1), 'COUNT', ${page})
for _, entry in ipairs(entries) do
  local record = read(entry)
  if record.k then note(KEYS[3], KEYS[4], record.offset, record.k, record.v == nil, tonumber(record.t)) end
  from = record.offset + 1
end
redis.call('HSET', meta, 'from:' .. ARGV[1], #entries == ${page} and from or to)
return #entries == ${page} and 1 or 0`,
)

/**
 * Keys: starts, ends, bytes, log, newest, superseded. Arguments: partition, age in ms or '', bytes or '', 1 to compact. Answers how many
 * were dropped, and 1 when there may be more.
 */
export const trimScript = script(
  nowText,
  entryText,
  `
local starts, ends, bytes, log, newest, superseded = unpack(KEYS)
local partition = ARGV[1]
local oldest = ARGV[2] == '' and -1 or now - tonumber(ARGV[2])
local size, most = tonumber(redis.call('HGET', bytes, partition) or 0), tonumber(ARGV[3])
local dropped, isMore = 0, 0
local function forget(record)
  size = size - record.size
  dropped = dropped + 1
  redis.call('ZREM', superseded, record.offset)
  if record.k and redis.call('HGET', newest, record.k) == string.format('%.0f', record.offset) then
    redis.call('HDEL', newest, record.k)
  end
end
if ARGV[4] == '1' and oldest >= 0 then
  local old = redis.call('ZRANGEBYSCORE', superseded, '-inf', '(' .. string.format('%.3f', oldest), 'LIMIT', 0, ${page})
  for _, offset in ipairs(old) do
    local entry = redis.call('XRANGE', log, idAt(offset), idAt(offset))[1]
    if entry then forget(read(entry)) else redis.call('ZREM', superseded, offset) end
    redis.call('XDEL', log, idAt(offset))
  end
  if #old == ${page} then isMore = 1 end
  oldest = -1
end
local first = redis.call('XRANGE', log, '-', '+', 'COUNT', ${page})
local kept
for _, entry in ipairs(first) do
  local record = read(entry)
  if tonumber(record.t) >= oldest and not (most and size > most) then kept = entry[1]; break end
  forget(record)
end
if not kept and #first == ${page} then isMore = 1 end
if #first > 0 then redis.call('XTRIM', log, 'MINID', '=', kept or idAt(read(first[#first]).offset + 1)) end
if dropped > 0 then
  local entry = redis.call('XRANGE', log, '-', '+', 'COUNT', 1)[1]
  redis.call('HSET', starts, partition, entry and read(entry).offset or redis.call('HGET', ends, partition))
  redis.call('HSET', bytes, partition, size)
end
return { dropped, isMore }`,
)

/** Keys: groups, versions. Argument: group. Answers text, version and time. */
export const readGroupScript = script(
  nowText,
  `
return { redis.call('HGET', KEYS[1], ARGV[1]), redis.call('HGET', KEYS[2], ARGV[1]) or '0', string.format('%.3f', now) }`,
)

/** Keys: the same. Arguments: group, text, version it was made of. Answers 1, or 0 when that is not the newest. */
export const writeGroupScript = script(`
if (redis.call('HGET', KEYS[2], ARGV[1]) or '0') ~= ARGV[3] then return 0 end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('HINCRBY', KEYS[2], ARGV[1], 1)
return 1`)

/** Keys: parked, aside. Arguments: for each record "partition/offset" and what it is. */
export const parkScript = script(
  nowText,
  `
for i = 1, #ARGV, 2 do
  if redis.call('HSETNX', KEYS[2], ARGV[i], ARGV[i + 1]) == 1 then redis.call('ZADD', KEYS[1], now + i / 1e3, ARGV[i]) end
end`,
)

/** Keys: the same. Arguments: place of the first, how many, bytes at most. */
export const parkedScript = script(`
local found, bytes = {}, 0
for i, place in ipairs(redis.call('ZRANGE', KEYS[1], ARGV[1], ARGV[1] + ARGV[2] - 1)) do
  found[i] = redis.call('HGET', KEYS[2], place)
  bytes = bytes + #found[i]
  if bytes > tonumber(ARGV[3]) then break end
end
return found`)

/** Keys: the same. Argument: age in ms. Answers 1 when there may be more. */
export const trimParkedScript = script(
  nowText,
  `
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', '(' .. string.format('%.3f', now - ARGV[1]), 'LIMIT', 0, ${page})
for _, place in ipairs(old) do
  redis.call('ZREM', KEYS[1], place)
  redis.call('HDEL', KEYS[2], place)
end
return #old == ${page} and 1 or 0`,
)
