import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Command, Engine, Place, Say } from './engine.ts'
import { isWhole } from './install.ts'
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
  command(place) {
    layDown(place)
    return commandOf(place, [`-XX:SharedArchiveFile=${archiveOf(place.home)}`])
  },
  isReady: (port) => ask(port, metadataRequest, (answer) => answer.length >= 12 && answer.readInt32BE(8) > 0),
  url: (port) => `kafka://127.0.0.1:${port}`,
}

const archiveOf = (home: string) => path.join(home, 'classes.jsa')
const formattedOf = (home: string) => path.join(home, 'formatted')

// "Which brokers are there", of no topic: size, key 3, version 1, correlation 0, client '', 0 topics. The answer: size, correlation, brokers.
const metadataRequest = Buffer.from([0, 0, 0, 14, 0, 3, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])

function commandOf({ home, folder }: Place, flags: readonly string[]): Command {
  const args = [...settings, ...flags, '-cp', classPath(home), 'kafka.Kafka', path.join(folder, 'server.properties')]
  return { file: java()!, args }
}

/** Formatting takes Kafka's own tool longer than the broker takes to start: done once, and copied. */
async function format(home: string, say: Say): Promise<void> {
  const folder = path.join(home, 'format')
  writeProperties({ home, folder, ports: [1, 2] }, formattedOf(home))
  const tool = ['-cp', classPath(home), 'kafka.tools.StorageTool', 'format']
  await run(say, java()!, [...tool, '-t', cluster, '-c', path.join(folder, 'server.properties')])
  rmSync(folder, { recursive: true })
}

/** Runs a broker once to write down the classes that it loads (CDS): every later start takes half the time. */
async function archive(home: string, say: Say): Promise<void> {
  say('starting it once, so that it starts faster from now on')
  const folder = path.join(home, 'first-start')
  const place = { home, folder, ports: await freePorts(kafka.ports) }
  layDown(place)
  const server = new Server(kafka, place, commandOf(place, [`-XX:ArchiveClassesAtExit=${archiveOf(home)}`]))
  await server.start()
  await server.stop()
  rmSync(folder, { recursive: true })
}

function layDown(place: Place): void {
  const data = path.join(place.folder, 'data')
  if (!existsSync(data)) cpSync(formattedOf(place.home), data, { recursive: true })
  writeProperties(place, data)
}

function writeProperties({ folder, ports: [port, controllerPort] }: Place, data: string): void {
  mkdirSync(folder, { recursive: true })
  const properties = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    'controller.listener.names': 'CONTROLLER',
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': data,
    ...oneNode,
    ...quick,
  }
  const lines = Object.entries(properties).map(([key, value]) => `${key}=${value}`)
  writeFileSync(path.join(folder, 'server.properties'), `${lines.join('\n')}\n`)
}

const oneNode = {
  'auto.create.topics.enable': false,
  'offsets.topic.replication.factor': 1,
  'offsets.topic.num.partitions': 4,
  'transaction.state.log.replication.factor': 1,
  'transaction.state.log.min.isr': 1,
  'transaction.state.log.num.partitions': 4,
  'share.coordinator.state.topic.replication.factor': 1,
  'share.coordinator.state.topic.min.isr': 1,
  'share.coordinator.state.topic.num.partitions': 4,
}

/** Groups form and members are missed within a second or so, as tests want it; and little heap for the log cleaner. */
const quick = {
  'group.initial.rebalance.delay.ms': 0,
  'group.min.session.timeout.ms': 500,
  'group.consumer.min.heartbeat.interval.ms': 100,
  'group.consumer.heartbeat.interval.ms': 500,
  'group.consumer.min.session.timeout.ms': 1000,
  'group.consumer.session.timeout.ms': 5000,
  'broker.session.timeout.ms': 1000,
  'broker.heartbeat.interval.ms': 250,
  'num.network.threads': 2,
  'num.io.threads': 2,
  'log.cleaner.dedupe.buffer.size': 4_194_304,
}
