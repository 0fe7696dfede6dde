import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { VtErrorCode } from '../../../core/base/errors.ts';
import { throwIfCancelled, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../../core/base/octets.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import { isMounted } from '../../../fuse/mount-table.ts';
import type { CommandContext, CommandInput } from '../../command.ts';
import { mountOptionsText } from './mount-options.ts';
import { recordFiles, removeRecord, writeRecord } from './mount-records.ts';

/** Milliseconds between two checks whether the mount exists. */
const LOOK_MS = 15;

/** Node's option for the memory of new objects, in MiB; with 32, `find` over 20,000 cold files took a quarter less CPU time. */
const YOUNG = '--max-semi-space-size';
const YOUNG_MIB = 32;

/** Error codes for the exit statuses of the serving process; any other status means that it could not begin. */
const CODES: Readonly<Record<number, VtErrorCode>> = { 1: 'EFAILED', 2: 'EUSAGE', 11: 'EREADONLY', 12: 'EPERM', 13: 'ECORRUPT' };

/** Starts a process that serves a mount independently; resolves when the mount is ready. */
export async function mountBehind(
  context: CommandContext,
  source: Octets | undefined,
  mountPoint: string,
  subpath: TreePath,
  input: CommandInput,
): Promise<void> {
  const { session, shell, signal, output } = context;
  if (source === undefined && session.mustRecite) await session.sync(signal);
  const words = mountOptionsText(input);
  const quoted = (text: string): string => octetsToText(octetsFromText(shell.quote(octetsFromText(text))));
  const options = `${words === '' ? '' : `-o ${quoted(words)} `}${subpath === ROOT_PATH ? '' : `-s ${shell.quote(subpath)} `}`;
  const rules = input.repeated.map(({ name, value }) => `--${name}=${value === true ? '' : shell.quote(value)} `).join('');
  const view = source === undefined && session.view !== undefined ? `cd ${session.view}; ` : '';
  const kept = session.settings.get('mime') === 'keep' ? 'set mime keep; ' : '';
  const command = `${kept}${view}mount --foreground ${options}${rules}-- ${quoted(mountPoint)}`;
  const [program = process.execPath, ...start] = shell.program;
  // Nodes known to the kernel live long: a small young generation would copy them repeatedly.
  const settings = program === process.execPath && process.allowedNodeEnvironmentFlags.has(YOUNG) ? [`${YOUNG}=${YOUNG_MIB}`] : [];
  const files = recordFiles(shell.env, mountPoint);
  const out = openSync(files.outFile, 'w', 0o600);
  const log = openSync(files.logFile, 'w', 0o600);
  const child = spawn(program, [...settings, ...start, ...session.reopenWords(source), '-c', command, '-c', 'quit'], {
    cwd: octetsToText(session.localCwd),
    detached: true,
    stdio: ['ignore', out, log],
  });
  closeSync(out);
  closeSync(log);
  let ended = false;
  let code: VtErrorCode = 'EOPEN';
  child.once('error', () => {
    ended = true;
  });
  child.once('exit', (status) => {
    ended = true;
    code = CODES[status ?? 0] ?? code;
  });
  child.unref();
  const { pid } = child;
  if (pid !== undefined) {
    const shown = source === undefined ? session.tree.name : octetsToText(source);
    writeRecord(shell.env, { mountPoint, pid, source: shown, outFile: files.outFile, logFile: files.logFile });
  }
  const target = octetsFromText(mountPoint);
  while (!isMounted(target)) {
    if (ended) {
      const said = readFileSync(files.logFile, 'utf8').trim().split('\n').at(-1) ?? '';
      removeRecord(shell.env, mountPoint);
      throw new VtError(code, said === '' ? `mount "${mountPoint}": its process ended` : said.replace(/^(?:vtftp|mount): /, ''));
    }
    if (signal.aborted && pid !== undefined) process.kill(pid, 'SIGTERM');
    throwIfCancelled(signal);
    await sleep(LOOK_MS);
  }
  output.line(`mounted ${mountPoint}`);
  output.record({ mounted: mountPoint, pid });
}
