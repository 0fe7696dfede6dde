import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { throwIfCancelled, VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../core/base/octets.ts';
import type { CommandContext, ShellServices } from './command.ts';
import { defineCommand } from './command.ts';
import { countText, octetsFields } from './format.ts';
import { resolveLocalPath } from './local-path.ts';

/** Milliseconds between two looks whether a server has ended. */
const LOOK_MS = 15;

/** `umount`: takes mounts away. */
export const umount = defineCommand({
  name: 'umount',
  aliases: ['unmount'],
  group: 'mount',
  summary: 'take a mount away, sync it, and print its Dirref',
  details: [
    'A mount that is in use stays, and who uses it is told. With -l nobody new comes in, and it goes once the last has left. Of several mounts of one live tree the others go on.',
    'Names that were excluded when the tree was mounted go with its last mount, and how many they were is said; at a terminal it is asked before.',
  ],
  changesLocal: true,
  args: [{ name: 'mountpoint', kind: 'mount', summary: 'where a tree is mounted', repeat: true, glob: false }],
  options: [{ name: 'lazy', short: 'l', summary: 'go on once nobody uses it any more' }],
  async run(context, { args, options }) {
    for (const argument of args) await unmountOne(context, resolveLocalPath(context.session.localCwd, argument), options.has('lazy'));
  },
});

async function unmountOne(
  { session, shell, output, signal, diagnostics }: CommandContext,
  mountPoint: Octets,
  lazy: boolean,
): Promise<void> {
  const [{ isMounted }, { takeAway }, records] = await Promise.all([
    import('../fuse/mount-table.ts'),
    import('../fuse/take-away.ts'),
    import('./mount-records.ts'),
  ]);
  const shown = octetsToText(mountPoint);
  if (!isMounted(mountPoint)) throw new VtError('EFAILED', `${shown} is not a vtftp mount`, { remedy: 'mounts lists them' });
  const record = records.readRecords(shell.env).find((each) => each.mountPoint === shown);
  if (shell.interactive && !(await mayGo(shell, records.controlSocket(shell.env, shown), shown, signal))) return;
  try {
    await takeAway(shown, lazy);
  } catch (error) {
    const { mountUsers } = await import('./mount-users.ts');
    const users = error instanceof VtError && !lazy ? mountUsers(mountPoint) : [];
    if (users.length === 0) throw error;
    throw new VtError('EFAILED', `umount "${shown}": in use by ${users.map(({ pid, command }) => `${command} (pid ${pid})`).join(', ')}`, {
      cause: error,
      remedy: 'let them end, or umount -l',
    });
  }
  if (record === undefined || lazy) return;
  const others = records.readRecords(shell.env).filter(({ pid, mountPoint: at }) => pid === record.pid && at !== shown);
  const other = others.find(({ mountPoint: at }) => isMounted(octetsFromText(at)));
  if (other !== undefined) {
    // Its process goes on with the others.
    records.removeRecord(shell.env, shown);
    const { recordThrough } = await import('./mount-beside.ts');
    const recorded = await recordThrough(records.controlSocket(shell.env, other.mountPoint), signal);
    if (recorded !== undefined) output.line(output.style('ref', recorded));
    output.record({ ...octetsFields('unmounted', mountPoint), ...(recorded === undefined ? {} : { dirref: recorded }) });
    return;
  }
  // The process that served it stores what is left, and says where all of it is.
  while (records.isAlive(record.pid)) {
    throwIfCancelled(signal);
    await sleep(LOOK_MS);
  }
  const results = readFileSync(record.outFile, 'utf8').trimEnd().split('\n');
  const dirref = results.at(-1) ?? '';
  const said = readFileSync(record.logFile, 'utf8').trimEnd();
  for (const { mountPoint: at } of [record, ...others]) records.removeRecord(shell.env, at);
  await session.refresh(signal);
  for (const line of said === '' ? [] : said.split('\n')) diagnostics.failure(line.replace(/^(?:vtftp|mount|quit): /, ''));
  const gone = results.find((line) => /^[\d,]+ excluded names? /.test(line));
  if (gone !== undefined) diagnostics.warn(`umount "${shown}": ${gone}`);
  if (/^D\{/.test(dirref)) output.line(output.style('ref', dirref));
  output.record({
    ...octetsFields('unmounted', mountPoint),
    ...(gone === undefined ? {} : { excluded_gone: Number.parseInt(gone.replaceAll(',', ''), 10) }),
    ...(/^D\{/.test(dirref) ? { dirref } : {}),
  });
}

/** Whether somebody agrees that names go which are stored nowhere, if there are any. */
async function mayGo(shell: ShellServices, socket: string, shown: string, signal: AbortSignal): Promise<boolean> {
  const { leftOutThrough } = await import('./mount-beside.ts');
  const count = await leftOutThrough(socket, signal);
  return (
    count === 0 || (await shell.confirm(`umount "${shown}": ${countText(count, 'excluded name')}, stored nowhere, will be gone. Go on?`))
  );
}
