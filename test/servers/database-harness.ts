import type { Database, DatabaseOptions } from '../../src/blocks/database/database.ts'
import type { DatabaseHarness } from '../../src/blocks/database/conformance.ts'
import type { DatabaseDriver } from '../../src/blocks/database/driver.ts'
import { DatabasePool } from '../../src/blocks/database/pool.ts'
import { codeOf, open as openDriver } from '../../src/blocks/database/postgres.ts'
import { silent } from '../../src/block.ts'
import { openSql } from '../../src/postgres/open.ts'
import { toMs } from '../../src/units.ts'
import { openProxy, type FaultProxy } from '../faults/proxy.ts'
import { startTestCluster, type TestCluster } from './postgres.ts'

/** Lets a broken driver take the place of the real one. */
export type Breaking = (driver: DatabaseDriver) => DatabaseDriver

/** A cluster of one primary and one replica, each behind a proxy, for the suite of the database block. */
export class DatabaseStage implements AsyncDisposable {
  readonly #cluster: TestCluster
  readonly #proxies: FaultProxy[]

  constructor(cluster: TestCluster, proxies: FaultProxy[]) {
    this.#cluster = cluster
    this.#proxies = proxies
  }

  static async open(): Promise<DatabaseStage> {
    const cluster = await startTestCluster({ replicas: 1 })
    await cluster.cluster.ready()
    const proxies = cluster.cluster.members.map(({ port }) => openProxy({ host: '127.0.0.1', port }))
    return new DatabaseStage(cluster, await Promise.all(proxies))
  }

  /** One empty database, for one case. */
  async stand(breaking: Breaking = (driver) => driver): Promise<DatabaseHarness & AsyncDisposable> {
    const name = `case_${crypto.randomUUID().replaceAll('-', '')}`
    const admin = openSql(this.#cluster.url)
    await admin.query(`create database ${name}`)
    await this.#cluster.cluster.ready()
    const open: Database[] = []
    const close = async () => {
      await this.#onReplica('select pg_wal_replay_resume()').catch(() => undefined)
      for (const proxy of this.#proxies) proxy.heal()
      await Promise.all(open.map((database) => database.close()))
      await admin.query(`drop database ${name} with (force)`)
      await admin.close()
    }
    const proxyOf = (role: string) => this.#proxies[this.#indexOf(role)]!
    return {
      open: async (options) => {
        const opened = await this.#openBlock(name, options, breaking)
        open.push(opened)
        return opened
      },
      replay: (on) => this.#onReplica(on ? 'select pg_wal_replay_resume()' : 'select pg_wal_replay_pause()'),
      network: (state) =>
        ({
          well: () => proxyOf('replica').heal(),
          cut: () => proxyOf('replica').cut(),
          frozen: () => proxyOf('replica').freeze(),
        })[state](),
      breakConnections: async () =>
        void (await admin.query('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name])),
      failOver: () => this.#cluster.cluster.promote(this.#cluster.cluster.members[this.#indexOf('replica')]!.name),
      [Symbol.asyncDispose]: close,
    }
  }

  #indexOf(role: string): number {
    return this.#cluster.cluster.members.findIndex((member) => member.role === role)
  }

  async #openBlock(name: string, options: DatabaseOptions = {}, breaking: Breaking): Promise<Database> {
    const hosts = this.#proxies.map(({ port }) => `127.0.0.1:${port}`).join(',')
    const url = this.#cluster.url.replace(/@[^/]+\/.*$/, `@${hosts}/${name}?application_name=${crypto.randomUUID()}`)
    const context = { url, name: 'db', service: '', folder: '', secret: '', relays: true, log: silent }
    const driver = await openDriver({
      ...context,
      block: () => {
        throw new Error('no other blocks')
      },
    })
    const settings = {
      maxLagMs: toMs('maxLag', options.maxLag ?? '10s'),
      acquireMs: toMs('acquire', options.acquire ?? '10s'),
      replicas: true,
    }
    return new DatabasePool({
      context: { name: 'db', service: 'tested', log: silent },
      driver: breaking(driver),
      scheme: 'postgres',
      codeOf,
      settings,
    })
  }

  async #onReplica(statement: string): Promise<void> {
    const member = this.#cluster.cluster.members[this.#indexOf('replica')]!
    const sql = openSql(this.#cluster.url.replace(/@[^/]+\/.*$/, `@127.0.0.1:${member.port}/postgres?pool_size=1`))
    await sql.query(statement).finally(() => sql.close())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
    await this.#cluster[Symbol.asyncDispose]()
  }
}
