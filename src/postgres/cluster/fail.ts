import { AshlarError, describe, type Code } from '../../errors.ts'

export function fail(code: Code, message: string, cause?: unknown): AshlarError {
  return new AshlarError(code, message, { driver: 'postgres', cause })
}

/** What a file system error means for the state folder: which folder, what is wrong, what to do. */
export function folderError(error: unknown, folder: string): unknown {
  if (error instanceof AshlarError) return error
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOSPC' || code === 'EDQUOT' || /No space left on device|Disk quota/i.test(describe(error)))
    return fail('exhausted', `the disk that holds ${folder} is full: free some space or choose another folder`, error)
  if (code === 'EACCES' || code === 'EPERM')
    return fail(
      'unauthorized',
      `this user may not write to ${folder}: give it to them (chown) or choose another`,
      error,
    )
  if (code === 'EROFS')
    return fail('unauthorized', `${folder} is on a read-only file system: choose a folder that can be written`, error)
  if (code === 'ENOTDIR' || code === 'EEXIST')
    return fail('invalid_argument', `${folder}: a file is in the way of this folder: ${describe(error)}`, error)
  return error
}
