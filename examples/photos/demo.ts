export async function makeDemo(_signal: AbortSignal): Promise<void> {}
