import { AshlarError } from './errors.ts'

/**
 * An engine's client: an optional peer, loaded when a URL first asks for it.
 * @param packages as npm is to install them
 * @throws `unsupported` when it is not installed; what it throws itself when it is broken
 */
export async function loadPeer<Client>(packages: string, load: () => Promise<Client>): Promise<Client> {
  try {
    return await load()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw cause
    const message = `the client of this engine is not installed; run npm install ${packages}`
    throw new AshlarError('unsupported', message, { cause })
  }
}
