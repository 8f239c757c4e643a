-- A plan that was made while the table was nearly empty, and is kept by the session, would sort all batches at each append.
alter function ashlar.stream_append(bigint, integer[], integer[], bytea[]) set enable_seqscan = off;
alter function ashlar.stream_append(bigint, integer[], integer[], bytea[]) set enable_bitmapscan = off;
alter function ashlar.stream_append(bigint, integer[], integer[], bytea[]) set enable_sort = off;
