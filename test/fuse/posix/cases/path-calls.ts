import type { Checks } from '../checks.ts';
import { FLAGS, TYPE_BITS } from '../checks.ts';
import type { CallName, SystemCalls } from '../system-calls.ts';

/** Calls that take one path, with arguments under which each works. */
type OnePath = readonly [name: CallName, args: (path: string) => Parameters<SystemCalls[CallName]>];

export const ON_NEW: readonly OnePath[] = [
  ['mkdir', (path) => [path, 0o755]],
  ['mknod', (path) => [path, TYPE_BITS.fifo | 0o644]],
  ['symlink', (path) => ['target', path]],
  ['open', (path) => [path, FLAGS.O_CREAT | FLAGS.O_WRONLY, 0o644]],
  ['link', (path) => ['source', path]],
  ['rename', (path) => ['source', path]],
];
export const ON_FOUND: readonly OnePath[] = [
  ['chmod', (path) => [path, 0o644]],
  ['chown', (path) => [path, 0, 0]],
  ['truncate', (path) => [path, 0]],
  ['unlink', (path) => [path]],
  ['rename', (path) => [path, 'elsewhere']],
  ['link', (path) => [path, 'elsewhere']],
  ['utimens', (path) => [path, 'now', 'now', true]],
  ['stat', (path) => [path]],
  ['lstat', (path) => [path]],
  ['open', (path) => [path, FLAGS.O_RDONLY]],
];
export const ON_FOUND_DIR: readonly OnePath[] = [['rmdir', (path) => [path]]];
/** Those of them that follow a symlink. */
export const FOLLOWING: ReadonlySet<CallName> = new Set(['chmod', 'chown', 'truncate', 'utimens', 'stat', 'open']);

/** A call of one path fails with an error. */
export async function fails(fs: Checks, errno: string | readonly string[], [name, args]: OnePath, path: string): Promise<void> {
  await fs.fails(errno, name, ...(args(path) as never));
}
