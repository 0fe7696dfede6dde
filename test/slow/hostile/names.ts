import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { octetsFromText } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { dir, numbered } from '../../support/bombs/bomb.ts';
import { storeBomb } from '../../support/bombs/store-bombs.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';
import type { Torture } from '../torture-kind.ts';
import { TortureTally } from '../torture-kind.ts';

/**
 * Commands over a Dir `bomb` of many names: the line, and how many lines it prints for N names. More arguments than a call can have are as
 * many as there are names.
 */
const LINES: readonly (readonly [line: string, lines: (names: number) => number])[] = [
  ['ls bomb', (n) => n],
  ['ls -l bomb', (n) => n],
  ['ls -t bomb/*', (n) => n],
  ['find bomb -type f', (n) => n],
  ['du bomb', () => 1],
  ['tree bomb', (n) => n + 3],
  ['stat -- bomb/*1', (n) => n / 10],
  ['chmod -R u+w bomb', () => 0],
  ['chown -R 0 bomb', () => 0],
  ['touch bomb/*', () => 0],
  ['cp -r bomb copy', () => 0],
  ['diff bomb copy', () => 1],
  ['get bomb/* OUT', () => 1],
  ['put OUT back', () => 1],
  ['rm bomb/*', () => 0],
  ['ls bomb', () => 0],
  ['rm -r copy back', () => 0],
  ['fsck', () => 1],
];

/** A Dir of very many names, under each command. */
export const namesAttack: Torture = {
  name: 'names',
  does: '1,000,000 names in one Dir under each command',
  promise: 'each works, with the right amount of output',
  fullRounds: 1,
  async run(limits) {
    const tally = new TortureTally(limits);
    while (tally.goesOn) {
      tally.count('Dirs');
      await tryNames(1_000_000, limits.folder, (fault) => tally.fault(fault));
    }
    return tally.result(`${LINES.length} commands`);
  },
};

/**
 * Runs each line over a Dir of so many names, one after the other in one session.
 *
 * @param names - a multiple of 10
 * @param isWanted - which lines are run
 */
export async function tryNames(
  names: number,
  folder: string,
  onFault: (fault: string) => void,
  isWanted: (line: string) => boolean = () => true,
): Promise<void> {
  const store = join(folder, 'store');
  const out = join(folder, 'out');
  mkdirSync(out, { recursive: true });
  function* files(): Generator<Dirent> {
    for (let i = 0; i < names; i++) yield { kind: 'file', name: numbered(i), meta: { mode: 0o644 }, block: EMPTY_BLOCK };
  }
  await storeBomb(store, { name: 'names', make: (blocks) => dir('d', storeDir(blocks, files())) });
  {
    await using shell = await openShellHere({ home: folder, store });
    for (const [line, expected] of LINES) {
      if (!isWanted(line)) continue;
      const { status, stdout, stderr } = await shell.run(octetsFromText(line.replace('OUT', out)));
      const printed = stdout.reduce((count, octet) => count + (octet === 0x0a ? 1 : 0), 0);
      const lines = line.startsWith('stat') ? stdout.toString('latin1').split('\n\n').length : printed;
      if (status !== 0 || stderr !== '' || lines !== expected(names))
        onFault(
          `${line}: status ${status}, ${lines} instead of ${expected(names)}: ${stderr.slice(0, 500)}${stdout.toString('latin1', 0, 200)}`,
        );
      if (line.startsWith('get') && readdirSync(out).length !== names) onFault(`get: ${readdirSync(out).length} files`);
    }
  }
  rmSync(out, { recursive: true, force: true });
  rmSync(store, { recursive: true, force: true });
}
