import type { Shell } from './run.ts';

/** Placeholder signature. */
export async function runPrompt(_shell: Shell): Promise<void> {}
