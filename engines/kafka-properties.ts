/** One server of a cluster: broker and controller in one. */
export interface KafkaNode {
  /** From 1 on. */
  readonly id: number
  /** For clients; on 127.0.0.1, like all. */
  readonly port: number
  /** Of the controllers of the whole cluster; the first is that of node 1. */
  readonly controllers: readonly number[]
  readonly data: string
}

/** The text of its `server.properties`. */
export function propertiesOf(node: KafkaNode): string {
  const size = node.controllers.length
  const all = { ...identity(node), ...safety(size), ...quick, ...(size > 1 ? quickFailover : {}) }
  return Object.entries(all)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')
}

const identity = ({ id, port, controllers, data }: KafkaNode) => ({
  'process.roles': 'broker,controller',
  'node.id': id,
  'controller.quorum.voters': controllers.map((each, index) => `${index + 1}@127.0.0.1:${each}`).join(','),
  'controller.listener.names': 'CONTROLLER',
  listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllers[id - 1]}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
  'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
  'inter.broker.listener.name': 'PLAINTEXT',
  'log.dirs': data,
})

/** A copy on each node, of which all but one must have a record before it is acknowledged. */
function safety(size: number) {
  const enough = Math.max(1, size - 1)
  return {
    'auto.create.topics.enable': false,
    'default.replication.factor': size,
    'min.insync.replicas': enough,
    'offsets.topic.replication.factor': size,
    'offsets.topic.num.partitions': 4,
    'transaction.state.log.replication.factor': size,
    'transaction.state.log.min.isr': enough,
    'transaction.state.log.num.partitions': 4,
    'share.coordinator.state.topic.replication.factor': size,
    'share.coordinator.state.topic.min.isr': enough,
    'share.coordinator.state.topic.num.partitions': 4,
  }
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

/** Seconds instead of half a minute until another node leads; not so short that a busy machine looks like a dead one. */
const quickFailover = {
  'broker.session.timeout.ms': 3000,
  'broker.heartbeat.interval.ms': 500,
  'controller.quorum.election.timeout.ms': 1000,
  'controller.quorum.fetch.timeout.ms': 2000,
  'controller.quorum.election.backoff.max.ms': 500,
  'replica.lag.time.max.ms': 3000,
}
