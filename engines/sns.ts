import { answersHttp, awsUrl } from './endpoint.ts'
import type { Engine } from './engine.ts'
import { isWhole } from './install.ts'
import { pipInstall } from './pip.ts'
import { find } from './run.ts'

const version = '1.5.33'

/** SNS and the SQS that it delivers to, in one process and in memory. */
export const sns: Engine = {
  name: 'sns',
  title: `ministack ${version} (SNS with SQS)`,
  version,
  ports: 1,
  isInstalled: (home) => isWhole(home) && find('python3') !== undefined,
  install: (home, say) => pipInstall(say, home, `ministack==${version}`),
  command: ({ home, folder, ports: [port] }) => ({
    file: find('python3')!,
    args: ['-m', 'ministack'],
    env: {
      PYTHONPATH: home,
      TMPDIR: folder,
      GATEWAY_PORT: String(port),
      // It would listen on every address, and for other services on ports of theirs.
      BIND_HOST: '127.0.0.1',
      SERVICES: 'sns,sqs',
      IOT_MTLS_ENABLED: '0',
      SFTP_ENABLED: '0',
    },
  }),
  isReady: (port) => answersHttp(port, '/_ministack/health'),
  url: (port) => awsUrl('sns', 'us-east-1', port),
}
