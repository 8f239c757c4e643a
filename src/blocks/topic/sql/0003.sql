-- The newest failed attempts: [{attempt, at (milliseconds since 1970), error}, …].
alter table ashlar.topic_messages add history jsonb;
alter table ashlar.topic_dead add history jsonb;
