import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { DatabaseStage, type Breaking } from '../../../test/servers/database-harness.ts'
import { verify } from '../../conformance.ts'
import type { Sql } from '../../postgres/sql.ts'
import { databaseSuite } from './conformance.ts'
import type { DatabaseDriver } from './driver.ts'
import type { Member } from './member.ts'

const stage = await DatabaseStage.open()
after(() => stage[Symbol.asyncDispose]())

/** Runs only the cases that ought to catch it, and asks that they do. */
function caught(fault: string, breaking: Breaking, ...by: string[]): void {
  test(`the suite catches a driver that ${fault}`, async () => {
    const cases = databaseSuite.cases.filter(({ name }) => by.includes(name))
    assert.equal(cases.length, by.length, 'the cases exist')
    const capabilities = { replicas: true, failover: true }
    const outcomes = await verify(
      { ...databaseSuite, cases },
      { driver: 'broken', capabilities, open: () => stage.stand(breaking) },
    )
    assert.deepEqual(
      outcomes.filter(({ outcome }) => outcome !== 'failed'),
      [],
    )
  })
}

/** The driver with other members or another primary. */
function withMembers(change: (member: Member) => object): Breaking {
  return (driver) => ({
    sql: driver.sql,
    members: driver.members.map((member) => overlay(member, change(member))),
  })
}

/** An object that answers for another one, but for the properties given. */
function overlay<T extends object>(of: T, changes: object): T {
  return new Proxy(of, {
    get(target, name) {
      const from = name in changes ? changes : target
      const value = Reflect.get(from, name, from) as unknown
      return typeof value === 'function' ? (value.bind(from) as unknown) : value
    },
  })
}

function withStatements(change: (text: string) => string): Breaking {
  return (driver: DatabaseDriver) => {
    const withClient = ((work, options) =>
      driver.sql.withClient((client) => {
        const query = (first: string | { text: string }, ...rest: unknown[]) =>
          Reflect.apply(client.query, client, [typeof first === 'string' ? change(first) : first, ...rest]) as unknown
        return work(overlay(client, { query }))
      }, options)) as Sql['withClient']
    return { members: driver.members, sql: overlay(driver.sql, { withClient }) }
  }
}

caught(
  'says that its replica has replayed what it has not',
  withMembers((member) => ({
    get report() {
      return member.report && { ...member.report, lsn: member.report.replica ? 'FFFFFFF/0' : member.report.lsn }
    },
  })),
  'reads what this request has written, and old data only outside of it',
)

caught(
  'says that a replica is there when it is not',
  withMembers((member) => ({
    withClient: () => Promise.reject(new Error('it does not work')),
    load: member.load,
  })),
  'reads from a replica that has caught up',
)

caught(
  'never reads from its replica',
  (driver) => ({ sql: driver.sql, members: [] }),
  'goes back to the replica as soon as it has replayed the write',
)

caught(
  'commits what was to be rolled back',
  withStatements((text) => (text === 'rollback' ? 'commit' : text)),
  'commits all of a transaction or nothing',
)

caught(
  'takes no notice of the isolation asked for',
  withStatements((text) => (text.startsWith('begin') ? 'begin' : text)),
  'tries again what collided with another transaction, where isolation was asked for',
  'writes nothing in a read-only transaction',
)
