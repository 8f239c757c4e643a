import { Tether } from '../../tether.ts'

/**
 * Reads "INDEX PID" lines; the arguments are the data folders. At the end of its input (we stopped or were killed) it
 * ends every Postgres that it was told of and that still works in that folder: fast, then at once, then by force.
 */
const script = `
trap '' INT TERM HUP QUIT
while read -r index pid; do eval "pid_$index=$pid"; done
ours() {
  [ -n "$2" ] && [ "$2" -gt 1 ] || return 1
  read -r first < "$1/postmaster.pid" || return 1
  [ "$first" = "$2" ] || return 1
  if [ -r "/proc/$2/comm" ]; then read -r name < "/proc/$2/comm"; else name=$(ps -o comm= -p "$2"); fi
  case "$name" in *postgres*) kill -0 "$2" ;; *) return 1 ;; esac
}
each() {
  index=0 left=0
  for folder in "$@"; do
    eval "pid=\\$pid_$index"
    if ours "$folder" "$pid"; then left=1; [ "$signal" = 0 ] || { kill -s "$signal" "$pid"; kill -s CONT "$pid"; }; fi
    index=$((index + 1))
  done
  [ "$left" = 1 ]
}
wait_for() { tries=$1; shift; signal=0; while each "$@"; do [ "$tries" -gt 0 ] || return 1; tries=$((tries - 1)); sleep 1; done; }
signal=INT; each "$@" || exit 0; wait_for 5 "$@" && exit 0
signal=QUIT; each "$@" || exit 0; wait_for 2 "$@" && exit 0
signal=KILL; each "$@"
`

/** Takes our Postgres with us when we end, even after kill -9. */
export class PostgresTether {
  readonly #folders: readonly string[]
  readonly #pids: number[]
  readonly #tether: Tether

  constructor(folders: readonly string[]) {
    this.#folders = folders
    this.#pids = folders.map(() => 0)
    this.#tether = new Tether(script, folders, () =>
      this.#pids.flatMap((pid, index) => (pid > 0 ? `${index} ${pid}` : [])),
    )
  }

  get pid(): number | undefined {
    return this.#tether.pid
  }

  /** The postmaster of this folder is now `pid`; 0 when it has none. */
  hold(folder: string, pid: number): void {
    const index = this.#folders.indexOf(folder)
    this.#pids[index] = pid
    this.#tether.say(`${index} ${pid}`)
  }

  /** Ends the tether; what it still holds ends with it. */
  cut(): void {
    this.#tether.cut()
  }
}
