/** The servers, by the name that tests, commands and `ASHLAR_TEST_<NAME>_URL` call them. */
export const engineNames = ['redis', 'rabbitmq', 'nats', 'kafka', 'sqs', 'sns', 'kinesis', 'pubsub'] as const
export type EngineName = (typeof engineNames)[number]

/** Tells the user one thing, on a line of its own. */
export type Say = (line: string) => void

/** Where one server lives. */
export interface Place {
  /** Where what was installed lies; shared, and only read once it is installed. */
  readonly home: string
  /** The server's own: data, configuration, log. Empty at the first start; as it was left at the ones after. */
  readonly folder: string
  /** All on 127.0.0.1; the first is the one in the URL. */
  readonly ports: readonly number[]
}

/** What to run. It stays in the foreground, writes to its standard output, and ends in an orderly way on SIGTERM. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
}

/** One server that can be installed and run on this machine without Docker. */
export interface Engine {
  readonly name: EngineName
  /** What it is and which version: `Apache Kafka 4.3.1`. */
  readonly title: string
  /** Names the folder in the cache: another version is another folder. */
  readonly version: string
  /** How many ports it needs. */
  readonly ports: number
  /** Whether all is there that `command` needs. */
  isInstalled(home: string): boolean
  /** Fills `home`, an empty folder of the cache, or installs what the system's packages have. @throws with what to do */
  install(home: string, say: Say): Promise<void>
  /** Lays down in the folder what the server reads at its start. */
  command(place: Place): Command | Promise<Command>
  /** One look whether the server on the port is ready for clients; takes at most a second or two, and never throws. */
  isReady(port: number): Promise<boolean>
  url(port: number): string
}
