/** What every fan-out in the contest can do. */
export interface FanOut extends AsyncDisposable {
  readonly name: string
  /** Publishes so many, 256 in flight, to three durable subscriptions; done when each has received and acknowledged all. */
  fanOut(count: number): Promise<void>
}

export const subscriptions = ['mail', 'index', 'audit']
