import type { SNS } from '@aws-sdk/client-sns'
import { clientOptions, loadSns } from '../load.ts'
import { openSqs, type Sqs } from '../sqs/client.ts'
import type { AwsUrl } from '../url.ts'

/** Clients of SNS and of the SQS that it delivers to. */
export interface Sns extends Sqs {
  sns: SNS
}

export async function openSns(url: AwsUrl): Promise<Sns> {
  const { SNS } = await loadSns()
  const sqs = await openSqs(url)
  const sns = new SNS(await clientOptions(url))
  const close: Sns['close'] = (idle) => {
    sqs.close(idle)
    sns.destroy()
  }
  return { ...sqs, sns, close }
}
