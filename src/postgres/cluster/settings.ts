import { invalid } from '../../errors.ts'
import { database, user } from './ask.ts'

/** Written by us at every start; whoever sets them through the options is refused. */
const ours = new Set([
  'listen_addresses', 'port', 'unix_socket_directories', 'unix_socket_group', 'unix_socket_permissions', 'bonjour',
  'data_directory', 'config_file', 'hba_file', 'ident_file', 'external_pid_file', 'include', 'include_dir',
  'include_if_exists', 'primary_conninfo', 'primary_slot_name', 'recovery_min_apply_delay', 'cluster_name',
  'logging_collector', 'log_destination', 'ssl', 'hot_standby', 'wal_level', 'password_encryption',
]) // prettier-ignore

/** Small in memory and quiet when idle; every one may be changed through `settings`. */
const defaults: Record<string, string> = {
  // PostgreSQL's own default begins with the user's name, and the user is called as the schema of our tables is.
  search_path: 'public',
  max_connections: '100',
  shared_buffers: '64MB',
  work_mem: '4MB',
  maintenance_work_mem: '32MB',
  effective_cache_size: '512MB',
  random_page_cost: '1.1',
  io_workers: '1',
  shared_preload_libraries: 'pg_stat_statements',
  'pg_stat_statements.max': '1000',
  jit: 'off',
  max_wal_senders: '16',
  max_replication_slots: '32',
  max_wal_size: '512MB',
  max_slot_wal_keep_size: '512MB',
  wal_sender_timeout: '10s',
  wal_receiver_timeout: '10s',
  wal_retrieve_retry_interval: '1s',
  hot_standby_feedback: 'on',
  tcp_keepalives_idle: '30',
  datestyle: 'iso, mdy',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  default_text_search_config: 'pg_catalog.english',
  log_line_prefix: '%m [%p] ',
  log_min_messages: 'warning',
  log_checkpoints: 'off',
}

/** @throws `invalid_argument` on a name that is no setting's or that Ashlar writes itself, or a value of several lines */
export function checkSettings(settings: Record<string, string>): void {
  for (const [name, value] of Object.entries(settings)) {
    if (!/^[a-z_][a-z0-9_]*(\.[a-z_][a-z0-9_]*)?$/.test(name))
      throw invalid(`settings: '${name}' is not the name of a postgresql.conf setting, such as 'work_mem'`)
    if (ours.has(name)) throw invalid(`settings: '${name}' is written by Ashlar itself and cannot be set`)
    if (typeof value !== 'string' || /[\n\r\0]/.test(value))
      throw invalid(`settings: the value of '${name}' must be text of one line`)
  }
}

/** postgresql.auto.conf beats postgresql.conf: without what ALTER SYSTEM says there of the settings that we write. */
export function withoutOurs(auto: string): string {
  return auto
    .split('\n')
    .filter((line) => !ours.has(/^\s*(\w+)\s*=/.exec(line)?.[1] ?? ''))
    .join('\n')
}

export interface Configuration {
  name: string
  port: number
  settings: Record<string, string>
  /** Where a replica reads the log; `undefined` on the primary. */
  upstream: { port: number; password: string } | undefined
  lagSeconds: number
}

/** The whole postgresql.conf of a member. */
export function configuration({ name, port, settings, upstream, lagSeconds }: Configuration): string {
  const fixed: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    cluster_name: name,
    wal_level: 'logical',
    ...(upstream && {
      primary_conninfo: conninfo(name, upstream),
      primary_slot_name: slotOf(name),
      recovery_min_apply_delay: `${lagSeconds}s`,
    }),
  }
  return (
    '# Written by Ashlar at every start; use the `settings` option to change something.\n' +
    Object.entries({ ...defaults, ...settings, ...fixed })
      .map(([key, value]) => `${key} = '${value.replaceAll("'", "''").replaceAll('\\', '\\\\')}'\n`)
      .join('')
  )
}

function conninfo(name: string, { port, password }: { port: number; password: string }): string {
  return (
    `host=127.0.0.1 port=${port} user=${user} password=${password} dbname=${database} application_name=${name} ` +
    'sslmode=disable gssencmode=disable connect_timeout=5'
  )
}

/** The replication slot that keeps the log for a member on the primary. */
export function slotOf(member: string): string {
  return `ashlar_${member}`
}

/** The whole pg_hba.conf: this machine only, with the password only. */
export const access = `host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 scram-sha-256\n`
