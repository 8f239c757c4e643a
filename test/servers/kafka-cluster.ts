import { homeOf } from '../../engines/cache.ts'
import { brokersSeen, kafka, kafkaNodes } from '../../engines/kafka.ts'
import { freePorts } from '../../engines/ports.ts'
import { until } from '../../engines/process.ts'
import { Server } from '../../engines/server.ts'
import { ownEngine, ownEngineFor, temporaryFolder, type OwnEngine } from './engines.ts'

const togetherMs = 60_000

/** Three Kafka servers, each with a copy of everything; a write is acknowledged when two have it. */
export interface KafkaCluster extends AsyncDisposable {
  /** Names all nodes. */
  readonly url: string
  /** Kill and restart them singly: as long as two run, the cluster works. */
  readonly nodes: readonly OwnEngine[]
  /** Resolves when every node that runs sees this many at work. */
  seen(count: number): Promise<void>
}

/** Starts them in folders of their own; `ownEngineFor('kafka')` tells whether it can. Takes about three times 200 MB. */
export async function startKafkaCluster(): Promise<KafkaCluster> {
  const { skip } = ownEngineFor('kafka')
  if (skip) throw new Error(skip)
  const [clients, controllers] = [await freePorts(3), await freePorts(3)]
  const nodes = await Promise.all(
    kafkaNodes(controllers).map(async (engine, index) => {
      const place = { home: homeOf(kafka), folder: await temporaryFolder('kafka'), ports: [clients[index]!] }
      return ownEngine(new Server(engine, place, await engine.command(place)))
    }),
  )
  const cluster = new Cluster(clients, nodes)
  try {
    await Promise.all(nodes.map((node) => node.restart()))
    await cluster.seen(nodes.length)
    return cluster
  } catch (error) {
    await cluster[Symbol.asyncDispose]()
    throw error
  }
}

class Cluster implements KafkaCluster {
  readonly nodes: readonly OwnEngine[]
  readonly #ports: readonly number[]

  constructor(ports: readonly number[], nodes: readonly OwnEngine[]) {
    this.#ports = ports
    this.nodes = nodes
  }

  get url(): string {
    return `kafka://${this.#ports.map((port) => `127.0.0.1:${port}`).join(',')}`
  }

  async seen(count: number): Promise<void> {
    const isSo = async () => {
      const answers = await Promise.all(this.#ports.map(brokersSeen))
      const running = answers.filter((brokers) => brokers.length > 0)
      return running.length === count && running.every((brokers) => brokers.length === count)
    }
    if (!(await until(isSo, togetherMs))) throw new Error(`not ${count} nodes together after ${togetherMs / 1000} s`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.nodes.map((node) => node[Symbol.asyncDispose]()))
  }
}
