import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testDatabase } from '../../../test/servers/postgres.ts'
import { openSql } from '../open.ts'

test("an application's table called as one of ours is a table of its own", async () => {
  await using db = await testDatabase()
  await using sql = openSql(db.url)
  await sql.query('create schema ashlar')
  await sql.query('create table ashlar.outbox (ours integer)')
  await sql.query('create table outbox (theirs integer)')
  const { rows } = await sql.query<{ schema: string }>(
    "select table_schema as schema from information_schema.columns where table_name = 'outbox' and column_name = 'theirs'",
  )
  assert.deepEqual(rows, [{ schema: 'public' }])
})
