import { subjectToken, tokenOf } from '../../nats/names.ts'
import type { PartitionNames } from './nats-partition.ts'

/** Where the parts of a stream lie in JetStream: a stream for each partition, one for groups, one for parked records. */
export class Places {
  readonly groups: string
  readonly parked: string
  /** Core NATS: that a group has changed. */
  readonly told: string
  /** How many partitions there are. */
  readonly shape: string
  readonly #token: string

  /** @param name of the stream in the engine */
  constructor(name: string) {
    this.#token = tokenOf(name)
    this.groups = `ashlar-streamgroups-${this.#token}`
    this.parked = `ashlar-streamparked-${this.#token}`
    this.told = `ashlar.streamtold.${this.#token}`
    this.shape = `ashlar.streamgroups.${this.#token}.shape`
  }

  partition(number: number): PartitionNames {
    return {
      stream: `ashlar-stream-${this.#token}-${number}`,
      subject: `ashlar.stream.${this.#token}.${number}`,
      news: `ashlar.streamnews.${this.#token}.${number}`,
    }
  }

  group(name: string): string {
    return `ashlar.streamgroups.${this.#token}.group.${subjectToken(name)}`
  }

  get everyGroup(): string {
    return `ashlar.streamgroups.${this.#token}.group.*`
  }

  parkedRecord(group: string, partition: number, offset: number): string {
    return `ashlar.streamparked.${this.#token}.${subjectToken(group)}.${partition}.${offset}`
  }

  parkedOf(group: string): string {
    return `ashlar.streamparked.${this.#token}.${subjectToken(group)}.*.*`
  }

  get everyParked(): string {
    return `ashlar.streamparked.${this.#token}.*.*.*`
  }
}
