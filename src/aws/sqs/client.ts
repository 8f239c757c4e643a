import type { SQS } from '@aws-sdk/client-sqs'
import { Calls } from '../calls.ts'
import { clientOptions, loadSqs, Sockets } from '../load.ts'
import type { AwsUrl } from '../url.ts'
import { EngineClock } from './clock.ts'

/** A client of SQS, with all that belongs to it. */
export interface Sqs {
  sqs: SQS
  calls: Calls
  clock: EngineClock
  /** Ends it. @param idle until then waiting questions may go on; they do not keep the process alive */
  close(idle?: () => Promise<unknown>): void
}

export async function openSqs(url: AwsUrl): Promise<Sqs> {
  const { SQS } = await loadSqs()
  const sockets = new Sockets()
  const sqs = new SQS({
    ...(await clientOptions(url, sockets)),
    useQueueUrlAsEndpoint: url.endpoint === undefined,
  })
  const [calls, clock] = [new Calls(), new EngineClock()]
  clock.listenTo(sqs)
  const close = (idle = async () => {}) => {
    calls.close()
    sockets.unref()
    void idle().finally(() => sqs.destroy())
  }
  return { sqs, calls, clock, close }
}
