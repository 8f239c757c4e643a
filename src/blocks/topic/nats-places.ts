import { tokenOf } from '../../nats/names.ts'

/** Where the parts of a topic lie in JetStream: three streams, and subjects in them. */
export class Places {
  /** Messages, until every subscription is done with them. */
  readonly messages: string
  readonly dead: string
  /** What each subscription asks for, and the failed attempts of messages that are tried again. */
  readonly notes: string
  /** What is published goes here. */
  readonly all: string
  readonly #root: string

  /** @param name of the topic in the engine */
  constructor(name: string) {
    const token = tokenOf(name)
    this.messages = `ashlar-topic-${token}`
    this.dead = `ashlar-topicdead-${token}`
    this.notes = `ashlar-topicnotes-${token}`
    this.#root = `ashlar.topic.${token}`
    this.all = `${this.#root}.all`
  }

  /** The name of a subscription's consumer, of its messages and of its dead letters. */
  consumer(subscription: string): string {
    return tokenOf(subscription)
  }

  /** What is for one subscription alone: its redriven dead letters. */
  only(subscription: string): string {
    return `${this.#root}.only.${tokenOf(subscription)}`
  }

  get everyOnly(): string {
    return `${this.#root}.only.*`
  }

  deadLetter(subscription: string, id: string): string {
    return `${this.#root}.dead.${tokenOf(subscription)}.${tokenOf(id)}`
  }

  deadLetters(subscription: string): string {
    return `${this.#root}.dead.${tokenOf(subscription)}.*`
  }

  get everyDeadLetter(): string {
    return `${this.#root}.dead.*.*`
  }

  subscription(name: string): string {
    return `${this.#root}.subscription.${tokenOf(name)}`
  }

  get everySubscription(): string {
    return `${this.#root}.subscription.*`
  }

  attempts(subscription: string, seq: number): string {
    return `${this.#root}.attempts.${tokenOf(subscription)}.${seq}`
  }

  allAttempts(subscription: string): string {
    return `${this.#root}.attempts.${tokenOf(subscription)}.*`
  }

  get everyAttempt(): string {
    return `${this.#root}.attempts.*.*`
  }
}
