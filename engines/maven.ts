import { readdirSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { Say } from './engine.ts'
import { alone } from './install.ts'
import { find, need, run } from './run.ts'

const plugin = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies'

export const java = (): string | undefined => find('java')

/** Copies the artifacts (`group:name:version`), and all that they need, into `lib` in the folder. */
export async function mavenInstall(say: Say, folder: string, artifacts: readonly string[]): Promise<void> {
  need('java', 'default-jre-headless')
  const maven = need('mvn', 'maven')
  writeFileSync(path.join(folder, 'pom.xml'), pom(artifacts))
  const args = ['-B', '-q', '-f', path.join(folder, 'pom.xml'), plugin]
  const copy = [...args, '-DincludeScope=runtime', `-DoutputDirectory=${path.join(folder, 'lib')}`]
  // Two Mavens at once may spoil the repository that they share.
  await alone(path.join(os.tmpdir(), `ashlar-maven-${process.getuid?.() ?? 0}`), () => run(say, maven, copy))
}

function pom(artifacts: readonly string[]): string {
  const dependencies = artifacts.map((each) => {
    const [group, name, version] = each.split(':')
    return `<dependency><groupId>${group}</groupId><artifactId>${name}</artifactId><version>${version}</version></dependency>`
  })
  return `<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>ashlar</groupId><artifactId>engine</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>${dependencies.join('\n')}</dependencies></project>\n`
}

/** The class path of what was copied, in a fixed order: an archive of loaded classes is only good for the same one. */
export function classPath(folder: string): string {
  const lib = path.join(folder, 'lib')
  const jars = readdirSync(lib).filter((name) => name.endsWith('.jar'))
  return jars
    .toSorted()
    .map((jar) => path.join(lib, jar))
    .join(path.delimiter)
}
