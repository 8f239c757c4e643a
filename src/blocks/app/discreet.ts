import type { Log } from '../../block.ts'
import { describe } from '../../errors.ts'

/**
 * The answer with a body that, should it break, tells the log why and the client nothing: the server underneath would send
 * the error's message when it comes before the head is out.
 */
export function discreet(response: Response, log: Log): Response {
  if (!response.body) return response
  const reader = response.body.getReader()
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await reader.read()
          if (done) controller.close()
          else controller.enqueue(value)
        } catch (error) {
          log.error({ error: describe(error) }, 'answer broke off')
          controller.error(new Error('the answer broke off'))
        }
      },
      cancel: (reason) => reader.cancel(reason),
    },
    { highWaterMark: 0 },
  )
  const { status, headers } = response
  // The server reads no more of a Response than this; a real copy would cost every request.
  return { status, headers, body } as Response
}
