import { randomBytes } from 'node:crypto'
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Command, Engine, Place, Say } from './engine.ts'
import { isWhole } from './install.ts'
import { propertiesOf, type KafkaNode } from './kafka-properties.ts'
import { classPath, java, mavenInstall } from './maven.ts'
import { freePorts } from './ports.ts'
import { ask } from './probe.ts'
import { run } from './run.ts'
import { Server } from './server.ts'

const version = '4.3.1'
// Without a logger a broker that cannot start dies without a word.
const artifacts = [`org.apache.kafka:kafka_2.13:${version}`, 'org.apache.logging.log4j:log4j-slf4j-impl:2.25.4']
const settings = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dlog4j2.level=WARN']
const cluster = 'AshlarEngines0Kafka000'

/** One node, alone. Ports: clients, controller. */
export const kafka: Engine = {
  name: 'kafka',
  title: `Apache Kafka ${version}`,
  version,
  ports: 2,
  isInstalled: (home) => isWhole(home) && java() !== undefined,
  async install(home, say) {
    await mavenInstall(say, home, artifacts)
    await format(home, say)
    await archive(home, say)
  },
  command: (place) => commandOf(place, 1, [place.ports[1]!]),
  isReady: async (port) => (await brokersSeen(port)).includes(port),
  url: (port) => `kafka://127.0.0.1:${port}`,
}

/** The nodes of a cluster whose controllers are on these ports. */
export const kafkaNodes = (controllers: readonly number[]): Engine[] =>
  controllers.map((_, index) => ({ ...kafka, command: (place) => commandOf(place, index + 1, controllers) }))

const archiveOf = (home: string) => path.join(home, 'classes.jsa')
const formattedOf = (home: string) => path.join(home, 'formatted')

function commandOf(place: Place, id: number, controllers: readonly number[]): Command {
  const node = { id, controllers, port: place.ports[0]!, data: path.join(place.folder, 'data') }
  if (!existsSync(node.data)) copyFormatted(place.home, node)
  return broker(place, node, `-XX:SharedArchiveFile=${archiveOf(place.home)}`)
}

function broker({ home, folder }: Place, node: KafkaNode, flag: string): Command {
  const file = path.join(folder, 'server.properties')
  mkdirSync(folder, { recursive: true })
  writeFileSync(file, propertiesOf(node))
  return { file: java()!, args: [...settings, flag, '-cp', classPath(home), 'kafka.Kafka', file] }
}

/** Formatting takes Kafka's own tool longer than the broker takes to start: done once, and copied. */
async function format(home: string, say: Say): Promise<void> {
  const file = path.join(home, 'format.properties')
  writeFileSync(file, propertiesOf({ id: 1, port: 1, controllers: [2], data: formattedOf(home) }))
  await run(say, java()!, ['-cp', classPath(home), 'kafka.tools.StorageTool', 'format', '-t', cluster, '-c', file])
}

/** Each node has its number, and its folder a name of its own (16 bytes, as Kafka writes them). */
function copyFormatted(home: string, { id, data }: KafkaNode): void {
  cpSync(formattedOf(home), data, { recursive: true })
  const file = path.join(data, 'meta.properties')
  const text = readFileSync(file, 'utf8').replace(/^node\.id=.*$/m, `node.id=${id}`)
  writeFileSync(file, text.replace(/^directory\.id=.*$/m, `directory.id=${randomBytes(16).toString('base64url')}`))
}

/** Runs a broker once to write down the classes that it loads (CDS): every later start takes half the time. */
async function archive(home: string, say: Say): Promise<void> {
  say('starting it once, so that it starts faster from now on')
  const folder = path.join(home, 'first-start')
  const place = { home, folder, ports: await freePorts(kafka.ports) }
  const node = { id: 1, port: place.ports[0]!, controllers: [place.ports[1]!], data: path.join(folder, 'data') }
  copyFormatted(home, node)
  const server = new Server(kafka, place, broker(place, node, `-XX:ArchiveClassesAtExit=${archiveOf(home)}`))
  await server.start()
  await server.stop()
  rmSync(folder, { recursive: true })
}

// "Which brokers are there", of no topic: size, key 3, version 1, correlation 0, client '', 0 topics.
const metadataRequest = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

/** The ports of the brokers that the one on this port sees at work; itself last of all, once it takes clients. */
export async function brokersSeen(port: number): Promise<number[]> {
  let ports: number[] = []
  await ask(port, metadataRequest, (answer) => {
    const isWhole = answer.length >= 4 && answer.length >= 4 + answer.readInt32BE(0)
    if (isWhole) ports = portsIn(answer)
    return isWhole
  })
  return ports
}

/** The answer: size, correlation, count of brokers; each is id, host, port, rack, where a string has its length (-1: none) before it. */
function portsIn(answer: Buffer): number[] {
  const ports: number[] = []
  let at = 12
  const skipText = () => (at += 2 + Math.max(0, answer.readInt16BE(at)))
  for (let left = answer.readInt32BE(8); left > 0; left--) {
    at += 4
    skipText()
    ports.push(answer.readInt32BE(at))
    at += 4
    skipText()
  }
  return ports
}
