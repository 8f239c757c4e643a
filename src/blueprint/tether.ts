import { readFileSync } from 'node:fs'
import { Tether } from '../tether.ts'

/**
 * Reads "+ PID BEGAN" and "- PID" lines. At the end of its input (whoever wrote them stopped or was killed) it wakes and ends
 * those that are left: asks first, for they may finish what is under way, then insists. BEGAN tells a later process of
 * the same number apart, where the system says when a process began.
 */
const script = `
trap '' INT TERM HUP QUIT
held=''
while read -r sign pid began; do
  case $sign in
    +) held="$held $pid:$began" ;;
    -) left=''; for each in $held; do [ "\${each%%:*}" = "$pid" ] || left="$left $each"; done; held=$left ;;
  esac
done
same() {
  pid=\${1%%:*}; began=\${1#*:}
  kill -0 "$pid" 2>/dev/null || return 1
  [ "$began" = - ] && return 0
  read -r stat < "/proc/$pid/stat" || return 1
  set -- \${stat##*) }
  [ "$1" != Z ] && shift 19 && [ "$1" = "$began" ]
}
each() {
  left=0
  for one in $held; do
    if same "$one"; then left=1; [ "$1" = 0 ] || { kill -s "$1" "$pid"; kill -s CONT "$pid"; }; fi
  done
  [ "$left" = 1 ]
}
each TERM || exit 0
for second in 1 2 3 4 5 6 7 8; do sleep 1; each 0 || exit 0; done
each KILL
`

/** Ends the children that cannot end by themselves when we are killed: one that is paused never hears that its channel closed. */
export class RoleTether {
  readonly #held = new Map<number, string>()
  #tether: Tether | undefined

  hold(pid: number): void {
    this.#tether ??= new Tether(script, [], () => [...this.#held.keys()].map((each) => this.#line(each)))
    this.#held.set(pid, beginOf(pid))
    this.#tether.say(this.#line(pid))
  }

  release(pid: number): void {
    if (this.#held.delete(pid)) this.#tether?.say(`- ${pid}`)
  }

  /** Ends the tether; what it still holds ends with it. */
  cut(): void {
    this.#tether?.cut()
  }

  #line(pid: number): string {
    return `+ ${pid} ${this.#held.get(pid)}`
  }
}

/** Clock ticks from boot to the process's begin, as the kernel counts them; '-' where it does not tell. */
function beginOf(pid: number): string {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '-'
  } catch {
    return '-'
  }
}
