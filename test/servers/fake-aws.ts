import { createHash } from 'node:crypto'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What a service of AWS refuses: its name for it, and by which status. */
export class Refused extends Error {
  readonly code: string
  readonly status: number

  constructor(code: string, status = 400, message = 'refused') {
    super(message)
    this.code = code
    this.status = status
  }
}

export interface Asked {
  action: string
  input: Record<string, unknown>
  authorization: string
}

/** @throws Refused */
type Answer = (input: Record<string, unknown>) => object

/** Something like a service of AWS that speaks its JSON protocol and answers as it is told to: for answers that no emulator gives. */
export interface FakeAws extends AsyncDisposable {
  readonly endpoint: string
  /** All that it was asked, in order. */
  readonly asked: Asked[]
  /** The answer from now on, by action: `SendMessageBatch`. */
  on(action: string, answer: Answer): void
}

export async function fakeAws(answers: Record<string, Answer> = {}): Promise<FakeAws> {
  const table: Record<string, Answer> = { ...answers }
  const asked: Asked[] = []
  const server = createServer(async (request, response) => {
    const action = String(request.headers['x-amz-target']).split('.').at(-1)!
    const input = JSON.parse(await textOf(request)) as Record<string, unknown>
    asked.push({ action, input, authorization: request.headers.authorization ?? '' })
    const { status, body } = answerOf(table[action], action, input)
    response.writeHead(status, { 'content-type': 'application/x-amz-json-1.1' }).end(JSON.stringify(body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    on: (action, answer) => void (table[action] = answer),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function answerOf(answer: Answer | undefined, action: string, input: Record<string, unknown>) {
  try {
    if (!answer) throw new Refused('UnknownOperationException', 400, `no answer for ${action}`)
    return { status: 200, body: answer(input) }
  } catch (error) {
    const { code, status, message } = error instanceof Refused ? error : new Refused('InternalFailure', 500)
    return { status, body: { __type: code, message } }
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).toString()
}

export interface FakeEntry {
  Id: string
  MessageBody: string
  ReceiptHandle?: string
  VisibilityTimeout?: number
}

export const entriesOf = (input: Record<string, unknown>) => input['Entries'] as FakeEntry[]
export const md5 = (text: string) => createHash('md5').update(text).digest('hex')

/** SQS as it is when all goes well. */
export function fakeSqs(attributes: Record<string, string> = {}): Record<string, Answer> {
  const done = (input: Record<string, unknown>) => ({
    Successful: entriesOf(input).map(({ Id }) => ({ Id })),
    Failed: [],
  })
  return {
    GetQueueUrl: ({ QueueName }) => ({ QueueUrl: `http://queues/${String(QueueName)}` }),
    GetQueueAttributes: () => ({ Attributes: { QueueArn: 'arn:aws:sqs:eu-central-1:1:q', ...attributes } }),
    ReceiveMessage: () => ({ Messages: [] }),
    SendMessageBatch: (input) => ({ Successful: entriesOf(input).map(sent), Failed: [] }),
    DeleteMessageBatch: done,
    ChangeMessageVisibilityBatch: done,
  }
}

export function sent({ Id, MessageBody }: FakeEntry) {
  return { Id, MessageId: `id of ${MessageBody}`, MD5OfMessageBody: md5(MessageBody) }
}

/** A message as ReceiveMessage answers it. */
export function fakeMessage(body: string, handle: string, count = 1) {
  const Attributes = { SentTimestamp: String(Date.now()), ApproximateReceiveCount: String(count) }
  return { MessageId: `id of ${body}`, ReceiptHandle: handle, Body: body, MD5OfBody: md5(body), Attributes }
}
