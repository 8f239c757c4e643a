import { wordsOf } from '../../postgres/statements.ts'

/** Commands that only read, by the tag that PostgreSQL answers with. */
const readTags = new Set([
  'SELECT',
  'SHOW',
  'FETCH',
  'BEGIN',
  'START',
  'SET',
  'EXPLAIN',
  'SAVEPOINT',
  'RELEASE',
  'DECLARE',
  'CLOSE',
])

/** Functions, and words before a parenthesis that are none, which change nothing: a read with others may have written. */
const harmless = new Set(
  (
    'and or not in any all some exists values as on using with over filter within select from where join lateral union except intersect ' +
    'when then else case by limit offset array row cast distinct having between like ilike is partition ' +
    'count sum avg min max bool_and bool_or array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg ' +
    'coalesce nullif greatest least lower upper trim btrim ltrim rtrim length char_length octet_length substring substr replace concat concat_ws ' +
    'left right position split_part to_char to_date to_timestamp to_tsvector to_tsquery plainto_tsquery websearch_to_tsquery ts_rank ts_headline ' +
    'abs ceil floor round sqrt power mod random now clock_timestamp date_trunc date_part extract age make_interval ' +
    'row_number rank dense_rank lag lead first_value last_value ntile unnest generate_series cardinality array_length array_position ' +
    'json_build_object jsonb_build_object json_build_array jsonb_build_array to_json to_jsonb row_to_json jsonb_array_elements json_array_elements ' +
    'jsonb_typeof jsonb_path_query numeric decimal varchar char timestamp timestamptz time interval bit ' +
    'pg_is_in_recovery pg_backend_pid current_setting version md5 sha256 encode decode similarity word_similarity'
  ).split(' '),
)

const writing = /\b(insert|update|delete|merge|truncate|into)\b/

/**
 * Whether a statement may have changed something, so that its position in the log is worth asking for. Views and operators
 * that call functions which write are not seen.
 * @param tag the command of the result: `SELECT`, `INSERT` …
 */
export function mayWrite(text: string, tag: string | undefined): boolean {
  if (tag !== undefined && !readTags.has(tag)) return true
  const words = wordsOf(text)
  if (words.includes(';') || writing.test(words)) return true
  return [...text.matchAll(/("[^"]+"|[a-z_][\w$]*)\s*\(/gi)].some(([, name]) => !harmless.has(name!.toLowerCase()))
}

const refused =
  /^(insert|update|delete|merge|truncate|create|alter|drop|grant|revoke|copy|call|do|lock|vacuum|reindex|refresh|comment|listen|notify|prepare)\b|\b(insert\s+into|delete\s+from|merge\s+into|update\b[^;]*\bset|for\s+(?:no\s+key\s+)?update|for\s+(?:key\s+)?share|nextval|setval|pg_advisory\w*|pg_notify|pg_cancel_backend|pg_terminate_backend)\b/

/** What in a statement shows that it belongs to the primary; `undefined` for a read. */
export function writeIn(text: string): string | undefined {
  return refused.exec(wordsOf(text).replaceAll(/;\s*$/g, ''))?.[0]
}
