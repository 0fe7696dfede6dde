import { spawnSync } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import type { TestContext } from 'node:test';
import type { Run } from '../program.ts';
import { PROGRAM, run, vtftp } from '../program.ts';
import type { Scratch } from '../scratch.ts';

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

/** A shell line at the top of a mount which waits until a root is recorded that has all that was written: fsync does not. */
export const RECORD = 'setfattr -n user.x-vt-control -v sync .';

/** A mount of a fresh Store. */
export interface TestMount {
  readonly path: string;
  /** Runs vtftp with the Store of the mount. */
  readonly vtftp: (...args: string[]) => Promise<Run>;
  /** The same, with something on its stdin. */
  readonly vtftpWith: (input: string, ...args: string[]) => Promise<Run>;
  /** What vtftp runs in. */
  readonly env: Readonly<Record<string, string>>;
  /** Takes it away. */
  readonly unmount: (...args: string[]) => Promise<Run>;
  /** Runs a shell line in the mount, in another process: this one must not look into a mount it may have to serve. */
  readonly sh: (line: string) => Promise<Run>;
}

/** The control socket of a mount. */
export async function controlOf(mount: TestMount): Promise<string> {
  const listed = await mount.vtftp('--json', '-c', 'mounts');
  for (const line of listed.stdout.trim().split('\n')) {
    const { mountpoint, control } = JSON.parse(line) as { readonly mountpoint: string; readonly control: string };
    if (mountpoint === mount.path) return control;
  }
  throw new Error(listed.report);
}

/** Mounts the default archive of a fresh Store for the length of a test. @param store - its specification, where it is not a datadir */
export async function mounted(t: TestContext, scratch: Scratch, options = '', store = scratch.path('store')): Promise<TestMount> {
  const path = scratch.path('mnt');
  const env = { ...scratch.env, XDG_RUNTIME_DIR: scratch.mkdir('runtime') };
  const program = async (...args: string[]): Promise<Run> => await vtftp(['-S', store, ...args], { env, cwd: scratch.folder });
  // Waits for the process that serves it, which writes to the Store at its end.
  scratch.beforeRemoval(() => void spawnSync(process.execPath, [PROGRAM, '-c', `umount ${path}`], { env: { ...process.env, ...env } }));
  const made = await program('-c', `mount ${options} ${path}`);
  if (made.status !== 0) throw new Error(made.report);
  t.diagnostic(`mounted ${path}`);
  return {
    path,
    vtftp: program,
    vtftpWith: async (input, ...args) => await vtftp(['-S', store, ...args], { env, cwd: scratch.folder, input }),
    env,
    unmount: async (...args) => await program('-c', `umount ${args.join(' ')} ${path}`),
    sh: async (line) => await run('sh', ['-c', line], { cwd: path }),
  };
}
