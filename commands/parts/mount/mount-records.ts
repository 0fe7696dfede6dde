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

/** The record of a process that serves a mount in the background. */
export interface MountRecord {
  readonly mountPoint: string;
  readonly pid: number;
  readonly source: string;
  /** The file for its output: the Dirref at its end. */
  readonly outFile: string;
  /** The file for its errors. */
  readonly logFile: string;
}

/** The folder of the records. */
export function recordFolder(env: Environment): string {
  return runtimeFolder(env, 'mounts');
}

/** The folder for written data that is not stored yet. It is on disk, since the runtime folder is in memory. */
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

/** The paths of a record's files. */
export function recordFiles(
  env: Environment,
  mountPoint: string,
): Omit<MountRecord, 'mountPoint' | 'pid' | 'source'> & { readonly file: string } {
  const name = encodeURIComponent(mountPoint).slice(-180);
  const path = join(recordFolder(env), name);
  return { file: `${path}.json`, outFile: `${path}.out`, logFile: `${path}.log` };
}

/** The control socket of a mount. Its name is a short digest, since the path of a UNIX socket has at most 107 bytes. */
export function controlSocket(env: Environment, mountPoint: string): string {
  return join(dirname(recordFolder(env)), `${createHash('sha256').update(mountPoint).digest('hex').slice(0, 16)}.sock`);
}

/** Writes a record. */
export function writeRecord(env: Environment, record: MountRecord): void {
  writeFileSync(recordFiles(env, record.mountPoint).file, `${JSON.stringify(record)}\n`, { mode: 0o600 });
}

/** Removes a record; with the last record of its process also its output and error files. */
export function removeRecord(env: Environment, mountPoint: string): void {
  const record = readRecords(env).find((each) => each.mountPoint === mountPoint);
  const { file, outFile, logFile } = record === undefined ? recordFiles(env, mountPoint) : { ...recordFiles(env, mountPoint), ...record };
  rmSync(file, { force: true });
  if (readRecords(env).some((each) => each.outFile === outFile)) return;
  rmSync(outFile, { force: true });
  rmSync(logFile, { force: true });
}

/** Records another mount of the same process, with a link to the same control socket. @param first - the first mount of the process */
export function linkMount(env: Environment, first: string, mountPoint: string): void {
  const socket = controlSocket(env, mountPoint);
  rmSync(socket, { force: true });
  symlinkSync(controlSocket(env, first), socket);
  // A mount in the foreground of a session has no record.
  const record = readRecords(env).find((each) => each.pid === process.pid);
  if (record !== undefined) writeRecord(env, { ...record, mountPoint });
}

/** Undoes {@link linkMount}, except for the record. */
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
      // It is being written, or was just removed.
    }
  }
  return records;
}

/**
 * Whether a mount has a server. If its server died, calls fail with ENOTCONN. A stuck mount blocks its caller, so a child process calls
 * statfs, for at most 5 s.
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

/** Unmounts a mount whose server died. */
export async function takeStaleAway(mountPoint: string): Promise<void> {
  const { takeAway } = await import('../../../fuse/take-away.ts');
  await takeAway(mountPoint, true);
}
