import type { API, apiVersionsV3, describeConfigsV4, metadataV12 } from '@platformatic/kafka'
import { setTimeout as sleep } from 'node:timers/promises'
import { AshlarError } from '../errors.ts'
import { Shared } from '../shared.ts'
import { isElsewhere, isNetwork } from './errors.ts'
import { Link, type LinkSetup } from './link.ts'
import { loadKafka, type Kafka } from './load.ts'
import { parseKafkaUrl, type Host, type KafkaUrl } from './url.ts'

export type Metadata = metadataV12.MetadataResponse

const oldest = '3.1'
const coordinatorMs = 10_000
/** How long one broker after the other is tried. */
const roundMs = 10_000
const pauseMs = 100
const topicResource = 2 as const
const brokerResource = 4 as const

/** A cluster as one process speaks to it: its brokers, and a link to each that is needed. Shared by all who have the same URL. */
export class Cluster {
  readonly kafka: Kafka
  readonly url: KafkaUrl
  readonly #setup: LinkSetup
  readonly #links = new Map<string, Link>()
  readonly #coordinators = new Map<string, number>()
  #brokers = new Map<number, Host>()
  #entry = 0
  #closed = false

  constructor(kafka: Kafka, url: KafkaUrl) {
    this.kafka = kafka
    this.url = url
    const { sasl, tls, clientId } = url
    const options = { ...(sasl && { sasl }), ...(tls && { tls, tlsServerName: true }) }
    this.#setup = { kafka, clientId, options }
  }

  /** What the client needs to open connections of its own. */
  get bootstrapBrokers(): Host[] {
    return this.url.hosts
  }

  get brokers(): number[] {
    return [...this.#brokers.keys()]
  }

  /** A link of its own to a broker; whoever makes it closes it. @throws when the cluster has no such broker */
  link(broker: number, holdMs?: number): Link {
    return new Link(this.#setup, this.#addressOf(broker), holdMs)
  }

  #addressOf(broker: number): Host {
    const address = this.#brokers.get(broker)
    if (address) return address
    throw new AshlarError('unavailable', `Kafka broker ${broker} is not there now`)
  }

  /** The link that all share for what is answered at once. */
  at(broker: number): Link {
    return this.#shared(this.#addressOf(broker))
  }

  #shared(host: Host): Link {
    const key = `${host.host}:${host.port}`
    let link = this.#links.get(key)
    if (!link) this.#links.set(key, (link = new Link(this.#setup, host)))
    if (this.#closed) link.close()
    return link
  }

  /** Asks any broker that answers, those that are known first; the one that did is asked first the next time. */
  async anywhere<In extends unknown[], Out>(api: API<In, Out>, ...of: In): Promise<Out> {
    const hosts = this.#entrances()
    const problems: unknown[] = []
    const end = performance.now() + roundMs
    for (let tried = 0; tried < hosts.length && (tried === 0 || performance.now() < end); tried++) {
      const at = (this.#entry + tried) % hosts.length
      try {
        const answer = await this.#shared(hosts[at]!).ask(api, ...of)
        this.#entry = at
        return answer
      } catch (error) {
        if (!isNetwork(error)) throw error
        problems.push(error)
      }
    }
    throw problems.length === 1 ? problems[0] : new AggregateError(problems, 'no Kafka broker answers')
  }

  #entrances(): Host[] {
    const all = [...this.#brokers.values(), ...this.url.hosts]
    return [...new Map(all.map((host) => [`${host.host}:${host.port}`, host])).values()]
  }

  /** @throws `unsupported` when the brokers are too old */
  async check(): Promise<void> {
    const { fetchV13, listOffsetsV7 } = this.kafka
    const answer = await this.anywhere(this.kafka.apiVersionsV3.api, 'ashlar', oldest).catch((error: unknown) => {
      if (codeOfVersion(error)) throw tooOld('older than 2.4')
      throw error
    })
    for (const { api } of [fetchV13, listOffsetsV7]) {
      const { maxVersion = -1 } = answer.apiKeys.find(({ apiKey }) => apiKey === api.key) ?? {}
      if (maxVersion < api.version) throw tooOld(versionOf(answer))
    }
  }

  /** Who there is, and who leads the partitions of these topics. Topics that are not there have an error code. */
  async metadata(topics: readonly string[]): Promise<Metadata> {
    const answer = await this.anywhere(this.kafka.metadataV12.api, [...topics], false, false).catch(
      (error: unknown) => {
        const { response } = error as { response?: Metadata }
        if (response?.topics) return response
        throw error
      },
    )
    this.#brokers = new Map(answer.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    return answer
  }

  /** The broker that makes and changes topics. In KRaft any may be asked, before it was one. */
  async controller(): Promise<Link> {
    const { controllerId } = await this.metadata([])
    return this.at(this.#brokers.has(controllerId) ? controllerId : this.brokers[0]!)
  }

  /**
   * Does something with the group's coordinator. A group's first use makes Kafka look for one, and after a restart it reads the
   * groups first: both pass, so they are waited for.
   */
  async coordinating<R>(groupId: string, work: (broker: number) => Promise<R>): Promise<R> {
    for (const end = performance.now() + coordinatorMs; ;) {
      try {
        return await work(await this.coordinatorOf(groupId))
      } catch (error) {
        if (isElsewhere(error) || isNetwork(error)) this.#coordinators.delete(groupId)
        if (!isElsewhere(error) || performance.now() > end) throw error
        await sleep(pauseMs)
      }
    }
  }

  async coordinatorOf(groupId: string): Promise<number> {
    const known = this.#coordinators.get(groupId)
    if (known !== undefined && this.#brokers.has(known)) return known
    const { coordinators } = await this.anywhere(this.kafka.findCoordinatorV4.api, 0, [groupId])
    const { nodeId, host, port } = coordinators[0]!
    this.#brokers.set(nodeId, { host, port })
    if (this.#coordinators.size > 10_000) this.#coordinators.clear()
    this.#coordinators.set(groupId, nodeId)
    return nodeId
  }

  async topicConfigs(topic: string, names: readonly string[]): Promise<Record<string, string>> {
    const asked = { resourceType: topicResource, resourceName: topic, configurationKeys: [...names] }
    const { results } = await this.anywhere(this.kafka.describeConfigsV4.api, [asked])
    return configsOf(results)
  }

  /** What holds for all topics and groups of a broker. */
  async brokerConfigs(broker: number, names: readonly string[]): Promise<Record<string, string>> {
    const asked = { resourceType: brokerResource, resourceName: `${broker}`, configurationKeys: [...names] }
    const { results } = await this.at(broker).ask(this.kafka.describeConfigsV4.api, [asked])
    return configsOf(results)
  }

  close(): void {
    this.#closed = true
    for (const link of this.#links.values()) link.close()
    this.#links.clear()
  }
}

function configsOf(results: readonly describeConfigsV4.DescribeConfigsResponseResult[]): Record<string, string> {
  return Object.fromEntries(results.flatMap(({ configs }) => configs.map(({ name, value }) => [name, value ?? ''])))
}

const codeOfVersion = (error: unknown) => (error as { response?: { errorCode?: number } }).response?.errorCode === 35

function tooOld(found: string): AshlarError {
  return new AshlarError('unsupported', `this Kafka is ${found}; Ashlar needs ${oldest} or newer`)
}

/** Brokers do not tell their version; what they can do gives it away. */
function versionOf({ apiKeys }: apiVersionsV3.ApiVersionsResponse): string {
  const fetch = apiKeys.find(({ apiKey }) => apiKey === 1)?.maxVersion ?? 0
  return fetch >= 12 ? '2.7 to 3.0' : `older than 2.7 (it speaks Fetch up to version ${fetch})`
}

const clusters = new Shared<Cluster>((cluster) => cluster.close())

/** The process's one client of a URL; give it back by `release`. */
export async function acquireCluster(url: string): Promise<{ cluster: Cluster; release(): void }> {
  const parsed = parseKafkaUrl(url)
  const { of: cluster, release } = await clusters.take(url, async () => new Cluster(await loadKafka(), parsed))
  return { cluster, release: () => void release().catch(() => undefined) }
}
