-- The newest failed attempts: [{attempt, at (milliseconds since 1970), error}, …].
alter table ashlar.queue_messages add history jsonb;
alter table ashlar.queue_dead add history jsonb;
