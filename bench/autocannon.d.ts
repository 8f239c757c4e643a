/** As much of autocannon as the benches use; the package brings no types. */
declare module 'autocannon' {
  interface Options {
    url: string
    connections: number
    duration: number
    overallRate?: number
    timeout?: number
  }
  interface Result {
    errors: number
    timeouts: number
    non2xx: number
    requests: { total: number; average: number }
    latency: { p50: number; p99: number; max: number }
  }
  export default function autocannon(options: Options): PromiseLike<Result>
}
