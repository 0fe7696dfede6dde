import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { isAlive } from '../../core/base/system/is-alive.ts';
import type { CommandContext, ShellServices } from '../command.ts';
import { defineCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { countText, octetsFields } from '../parts/format.ts';
import { resolveLocalPath } from '../parts/local-path.ts';

/** Files that an error names, at most. */
const MAX_NAMED = 10;

/** Milliseconds between two checks whether a server has ended. */
const LOOK_MS = 15;

/** `umount`: unmounts. */
export const umount = defineCommand({
  name: 'umount',
  aliases: ['unmount'],
  group: 'mount',
  summary: 'end a mount: save its tree, and print its Dirref',
  details: [
    'If a mount is in use, it stays, and umount names the processes that use it. With -l the mount disappears from the directory tree at once, and ends after its last user. Other mounts of the same live tree stay.',
    'umount first stores and records everything that was written. If the Store fails, as on a full disk, the mount stays, and umount names the files that are not stored: make room, and umount again. -f ends the mount anyway: it names the files that are lost, and the exit status is 3. If a mount is ended by other means, its process tries to store the rest until it succeeds; umount -f ends that process.',
    'Excluded names are lost with the last mount of the tree. umount prints how many they were, and at a terminal it asks first.',
  ],
  changesLocal: true,
  args: [{ name: 'mountpoint', kind: 'mount', summary: 'where a tree is mounted', repeat: true, glob: false }],
  options: [
    { name: 'lazy', short: 'l', summary: 'end the mount once nobody uses it' },
    { name: 'force', short: 'f', summary: 'end the mount even if files cannot be stored' },
  ],
  records: [
    { name: 'Unmounted', summary: 'a mount that has ended', fields: { unmounted: 'name', dirref: 'text?', excluded_gone: 'integer?' } },
  ],
  async run(context, { args, options }) {
    const how = { lazy: options.has('lazy'), force: options.has('force') };
    await forEachItem(context, args, async (name) => await unmountOne(context, resolveLocalPath(context.session.localCwd, name), how));
  },
});

async function unmountOne(
  { session, shell, output, signal, diagnostics }: CommandContext,
  mountPoint: Octets,
  { lazy, force }: { readonly lazy: boolean; readonly force: boolean },
): Promise<void> {
  const [{ isMounted }, { takeAway }, records] = await Promise.all([
    import('../../fuse/mount-table.ts'),
    import('../../fuse/take-away.ts'),
    import('../parts/mount/mount-records.ts'),
  ]);
  const shown = octetsToText(mountPoint);
  const record = records.readRecords(shell.env).find((each) => each.mountPoint === shown);
  const socket = records.controlSocket(shell.env, shown);
  const isThere = isMounted(mountPoint);
  if (!isThere && (record === undefined || !isAlive(record.pid)))
    throw new VtError('EFAILED', `${shown} is not a vtftp mount`, { remedy: 'mounts lists them' });
  await requireSaved(socket, shown, { lazy, force, isThere }, signal);
  if (isThere && shell.interactive && !(await mayGo(shell, socket, shown, signal))) return;
  try {
    if (isThere) await takeAway(shown, lazy);
  } catch (error) {
    // The mount stays, so it must keep its unstored content, too.
    if (force) await (await import('../parts/mount/mount-beside.ts')).unsavedThrough(socket, false, signal);
    const { mountUsers } = await import('../parts/mount/mount-users.ts');
    const users = error instanceof VtError && !lazy ? mountUsers(mountPoint) : [];
    if (users.length === 0) throw error;
    throw new VtError('EFAILED', `umount "${shown}": in use by ${users.map(({ pid, command }) => `${command} (pid ${pid})`).join(', ')}`, {
      cause: error,
      remedy: 'end them, or use umount -l',
    });
  }
  if (record === undefined || lazy) return;
  const others = records.readRecords(shell.env).filter(({ pid, mountPoint: at }) => pid === record.pid && at !== shown);
  const other = others.find(({ mountPoint: at }) => isMounted(octetsFromText(at)));
  if (other !== undefined) {
    // Its process continues to serve its other mounts.
    records.removeRecord(shell.env, shown);
    const { recordThrough } = await import('../parts/mount/mount-beside.ts');
    const recorded = await recordThrough(records.controlSocket(shell.env, other.mountPoint), signal);
    if (recorded !== undefined) output.line(output.style('ref', recorded));
    output.record({ ...octetsFields('unmounted', mountPoint), ...(recorded === undefined ? {} : { dirref: recorded }) });
    return;
  }
  // The serving process stores the rest and prints the Dirref.
  while (isAlive(record.pid)) {
    throwIfCancelled(signal);
    await sleep(LOOK_MS);
  }
  const results = readFileSync(record.outFile, 'utf8').trimEnd().split('\n');
  const dirref = results.at(-1) ?? '';
  const said = readFileSync(record.logFile, 'utf8').trimEnd();
  for (const { mountPoint: at } of [record, ...others]) records.removeRecord(shell.env, at);
  await session.refresh(signal);
  for (const line of said === '' ? [] : said.split('\n')) {
    // The number of failures is reported once, at the end.
    if (/^mount: done in part, /.test(line)) continue;
    const [, warning] = /^warning: (?:mount: )?(.*)$/.exec(line) ?? [];
    if (warning === undefined) diagnostics.failure(new VtError('EFAILED', line.replace(/^(?:vtftp|mount|quit): /, '')));
    else diagnostics.warn(warning);
  }
  const gone = results.find((line) => /^[\d,]+ excluded names? /.test(line));
  if (gone !== undefined) diagnostics.warn(`umount "${shown}": ${gone}`);
  if (/^D\{/.test(dirref)) output.line(output.style('ref', dirref));
  output.record({
    ...octetsFields('unmounted', mountPoint),
    ...(gone === undefined ? {} : { excluded_gone: Number.parseInt(gone.replaceAll(',', ''), 10) }),
    ...(/^D\{/.test(dirref) ? { dirref } : {}),
  });
}

/** Makes the mount store everything written; only -f gives up what cannot be stored. */
async function requireSaved(
  socket: string,
  shown: string,
  { lazy, force, isThere }: { readonly lazy: boolean; readonly force: boolean; readonly isThere: boolean },
  signal: AbortSignal,
): Promise<void> {
  // Its process continues until everything is stored.
  if (lazy && !force) return;
  const { unsavedThrough } = await import('../parts/mount/mount-beside.ts');
  // The kernel writes its cached data to the process that serves the mount.
  if (isThere) await flushKernel(shown);
  const unsaved = await unsavedThrough(socket, force, signal);
  if (unsaved === undefined || force) return;
  const { paths, count, reason } = unsaved;
  const named = paths.slice(0, MAX_NAMED).map((path) => `"${path}"`);
  const more = count > named.length ? ` and ${count - named.length} more` : '';
  const what = count === 0 ? 'the last changes are not recorded' : `not stored: ${named.join(', ')}${more}`;
  throw new VtError('EFAILED', `umount "${shown}": ${what}: ${reason}`, {
    remedy: 'solve that and umount again, or lose them by umount -f',
  });
}

/** Makes the kernel write back its cached data of a mount. The mount itself reports errors. */
async function flushKernel(mountPoint: string): Promise<void> {
  const child = spawn('sync', ['-f', '--', mountPoint], { stdio: 'ignore' });
  await new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
}

/** Asks whether excluded names, which are stored nowhere, may be lost, if there are any. */
async function mayGo(shell: ShellServices, socket: string, shown: string, signal: AbortSignal): Promise<boolean> {
  const { leftOutThrough } = await import('../parts/mount/mount-beside.ts');
  const count = await leftOutThrough(socket, signal);
  return (
    count === 0 || (await shell.confirm(`umount "${shown}": ${countText(count, 'excluded name')}, stored nowhere, will be lost. Go on?`))
  );
}
