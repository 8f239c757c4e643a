const maxBatchBytes = 1024 ** 2

/** Messages that were never refused, and whose key has none that was; `$1` target, `$2` how many. About 1 MB at most. */
export const batchText = `
  select id, key, body, headers from (
    select *, sum(octet_length(body)) over (order by id) - octet_length(body) as before
    from (
      select id, key, body, headers from ashlar.outbox as message
      where target = $1 and retry_at is null and not exists (
        select from ashlar.outbox as earlier
        where earlier.target = $1 and earlier.key = message.key and earlier.retry_at is not null
          and earlier.id < message.id)
      order by id limit $2) as next
  ) as sized
  where before < ${maxBatchBytes} order by id`

/** Refused messages whose time has come; `$1` target, `$2` how many. */
export const retriesText = `
  select id, key, body, headers from ashlar.outbox
  where target = $1 and retry_at <= now() order by retry_at, id limit $2`

export const deleteText = 'delete from ashlar.outbox where id = any($1::bigint[])'

/** `$1` ids, `$2` errors, `$3` first wait in ms; each further refusal doubles it, up to 5 minutes. */
export const refuseText = `
  update ashlar.outbox as message set attempts = attempts + 1, error = refusal.error,
    retry_at = clock_timestamp() + least($3 * power(2, least(attempts, 20)), 300000) * interval '1 millisecond'
  from unnest($1::bigint[], $2::text[]) as refusal (id, error) where message.id = refusal.id`
