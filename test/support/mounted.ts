import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Run } from './program.ts';
import { PROGRAM, run, vtftp } from './program.ts';
import type { Scratch } from './scratch.ts';

/** Why mounts cannot be tested here, or undefined where they can. */
export function noMountsHere(): string | undefined {
  if (process.platform !== 'linux') return 'the mount is tested on Linux';
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return 'there is no /dev/fuse to be used here';
  }
}

/** A mount of a fresh Store. */
export interface TestMount {
  readonly path: string;
  /** Runs vtftp with the Store of the mount. */
  readonly vtftp: (...args: string[]) => Promise<Run>;
  /** Takes it away. */
  readonly unmount: (...args: string[]) => Promise<Run>;
  /** Runs a shell line in the mount, in another process: this one must not look into a mount it may have to serve. */
  readonly sh: (line: string) => Promise<Run>;
}

/** Mounts the default archive of a fresh Store for the length of a test. */
export async function mounted(t: TestContext, scratch: Scratch, options = ''): Promise<TestMount> {
  const path = scratch.path('mnt');
  const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.mkdir('runtime') };
  const program = async (...args: string[]): Promise<Run> =>
    await vtftp(['-S', scratch.path('store'), ...args], { env, cwd: scratch.folder });
  // Waits for the process that serves it, which writes to the Store at its end.
  scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env: { ...process.env, ...env } }));
  const made = await program('-c', `mount ${options} ${path}`);
  if (made.status !== 0) throw new Error(made.report);
  t.diagnostic(`mounted ${path}`);
  return {
    path,
    vtftp: program,
    unmount: async (...args) => await program('-c', `umount ${args.join(' ')} ${path}`),
    sh: async (line) => await run('sh', ['-c', line], { cwd: path }),
  };
}
