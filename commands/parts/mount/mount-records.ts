import { createHash } from 'node:crypto';
import { readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { requireHomeFolder } from '../../../core/base/system/home-folder.ts';
import { makeFolders } from '../../../core/base/system/make-folders.ts';
import { readStateFile } from '../../../core/base/system/read-state-file.ts';
import type { Environment } from '../runtime-folder.ts';
import { runtimeFolder } from '../runtime-folder.ts';

/** What a process that serves a mount behind the session is known by. */
export interface MountRecord {
  readonly mountPoint: string;
  readonly pid: number;
  readonly source: string;
  /** What it prints at its end: the Dirref. */
  readonly outFile: string;
  /** What went wrong. */
  readonly logFile: string;
}

/** Where the records are. */
export function recordFolder(env: Environment): string {
  return runtimeFolder(env, 'mounts');
}

/** Where what is written to a mount is until it is stored: on a disk, not in the runtime folder, which is memory. */
export function frontFolder(env: Environment): string {
  const cache = env['XDG_CACHE_HOME'];
  const folder = join(
    cache?.startsWith('/') === true ? cache : join(requireHomeFolder(env['HOME'], 'the records of mounts'), '.cache'),
    'vtftp',
    'front',
  );
  makeFolders(folder, 0o700);
  return folder;
}

/** The files of a record. */
export function recordFiles(
  env: Environment,
  mountPoint: string,
): Omit<MountRecord, 'mountPoint' | 'pid' | 'source'> & { readonly file: string } {
  const name = encodeURIComponent(mountPoint).slice(-180);
  const path = join(recordFolder(env), name);
  return { file: `${path}.json`, outFile: `${path}.out`, logFile: `${path}.log` };
}

/**
 * The socket by which a mount is controlled: short, whatever the mount point is called, since a UNIX socket's path has
 * 107 bytes at most.
 */
export function controlSocket(env: Environment, mountPoint: string): string {
  return join(dirname(recordFolder(env)), `${createHash('sha256').update(mountPoint).digest('hex').slice(0, 16)}.sock`);
}

/** Writes a record. */
export function writeRecord(env: Environment, record: MountRecord): void {
  writeFileSync(recordFiles(env, record.mountPoint).file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Removes a record, and with the last of its process also what that had to say. */
export function removeRecord(env: Environment, mountPoint: string): void {
  const record = readRecords(env).find((each) => each.mountPoint === mountPoint);
  const { file, outFile, logFile } = record === undefined ? recordFiles(env, mountPoint) : { ...recordFiles(env, mountPoint), ...record };
  rmSync(file, { force: true });
  if (readRecords(env).some((each) => each.outFile === outFile)) return;
  rmSync(outFile, { force: true });
  rmSync(logFile, { force: true });
}

/**
 * Notes that the process which serves a mount serves another one too: the same control socket means both.
 *
 * @param first - the mount that it began with
 */
export function linkMount(env: Environment, first: string, mountPoint: string): void {
  const socket = controlSocket(env, mountPoint);
  rmSync(socket, { force: true });
  symlinkSync(controlSocket(env, first), socket);
  // One that is served in the foreground of a session has no record.
  const record = readRecords(env).find((each) => each.pid === process.pid);
  if (record !== undefined) writeRecord(env, { ...record, mountPoint });
}

/** Takes back {@link linkMount}. */
export function unlinkMount(env: Environment, mountPoint: string): void {
  rmSync(controlSocket(env, mountPoint), { force: true });
}

/** Every record that can be read. */
export function readRecords(env: Environment): MountRecord[] {
  const folder = recordFolder(env);
  const records: MountRecord[] = [];
  for (const name of readdirSync(folder)) {
    if (!name.endsWith('.json')) continue;
    try {
      records.push(JSON.parse(readStateFile(join(folder, name)).toString()) as MountRecord);
    } catch {
      // Being written, or removed just now.
    }
  }
  return records;
}

/**
 * Whether somebody serves a mount. A mount whose server has died answers every call with ENOTCONN; one that is stuck
 * would block the process that looks, so a child process looks.
 */
export async function isServed(mountPoint: Octets): Promise<boolean> {
  const { spawn } = await import('node:child_process');
  const child = spawn('stat', ['-f', '-c', '%T', '--', octetsToText(mountPoint)], { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), 5000);
  const status = await new Promise<number | null>((resolve) => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });
  clearTimeout(timer);
  return status !== 1;
}

/** Takes a mount away whose server has died. */
export async function takeStaleAway(mountPoint: string): Promise<void> {
  const { takeAway } = await import('../../../fuse/take-away.ts');
  await takeAway(mountPoint, true);
}
