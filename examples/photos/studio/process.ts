import { tasks, type Reply, type Request } from './tasks.ts'

// The process that `studio.ts` starts. It ends with the one that started it, however that ended.

process.on('disconnect', () => process.exit())
// Ctrl-C goes to the whole group; what is under way here is still waited for.
process.on('SIGINT', () => {})

process.on('message', ({ id, task, args }: Request) => {
  run(task, args).then(
    (result) => answer({ id, result }),
    (error: unknown) => answer({ id, error: error instanceof Error ? error.message : String(error) }),
  )
})

async function run(task: keyof typeof tasks, args: unknown[]): Promise<unknown> {
  return (tasks[task] as (...given: unknown[]) => Promise<unknown>)(...args)
}

function answer(reply: Reply): void {
  if (process.connected) process.send!(reply)
}
