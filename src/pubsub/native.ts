import type { Clients } from './link.ts'

/** Google's own clients, and the full names used there. After a connection was found dead there are others: do not keep them. */
export interface PubSubNative extends Clients {
  topic: string
  subscription(name: string): string
}
