-- While true, nothing is lent to anybody.
alter table ashlar.queues add paused boolean not null default false;

-- What the handler told last: JSON text.
alter table ashlar.queue_messages add progress text;

-- By id, where that is not the place in the order: only what came back from the dead letters, so that others pay nothing.
create index queue_messages_redriven on ashlar.queue_messages (lane, id) where id <> seq;
