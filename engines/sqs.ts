import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { answersHttp, awsUrl } from './endpoint.ts'
import type { Engine, Place } from './engine.ts'
import { isWhole } from './install.ts'
import { classPath, java, mavenInstall } from './maven.ts'

const version = '1.7.1'

/** In memory: what it holds ends with it. */
export const sqs: Engine = {
  name: 'sqs',
  title: `ElasticMQ ${version} (SQS)`,
  version,
  ports: 1,
  isInstalled: (home) => isWhole(home) && java() !== undefined,
  install: (home, say) => mavenInstall(say, home, [`org.elasticmq:elasticmq-server_2.13:${version}`]),
  command(place) {
    const file = path.join(place.folder, 'elasticmq.conf')
    writeFileSync(file, configuration(place))
    const flags = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', `-Dconfig.file=${file}`]
    return { file: java()!, args: [...flags, '-cp', classPath(place.home), 'org.elasticmq.server.Main'] }
  },
  isReady: (port) => answersHttp(port),
  url: (port) => awsUrl('sqs', 'local', port),
}

// `node-address` is what the URLs of queues begin with, and clients go where a queue's URL leads.
const configuration = ({ ports: [port] }: Place) => `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${port}, context-path = "" }
generate-node-address = false
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = ${port}, sqs-limits = strict }
rest-stats { enabled = false }
queues-storage { enabled = false }
messages-storage { enabled = false }
`
