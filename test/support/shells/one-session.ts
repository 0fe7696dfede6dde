import { type Run, vtftp } from '../program.ts';
import type { Scratch } from '../scratch.ts';

/** Runs commands in a session on the Store `store` of a scratch folder, which is its local directory too. */
export async function session(scratch: Scratch, commands: string, more: readonly string[] = []): Promise<Run> {
  return await vtftp(['-S', scratch.path('store'), ...more, '-c', commands], { env: scratch.env, cwd: scratch.folder });
}
