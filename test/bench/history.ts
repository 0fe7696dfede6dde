import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { PendingBlocks } from '../../core/block/block-sink.ts';
import { openDatadir } from '../../core/datadir/datadir.ts';
import { storeDir } from '../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../core/dirent/dirent.ts';
import { archiveOf } from '../../core/store/archive-of-store.ts';
import type { Store } from '../../core/store/store.ts';
import { makeRandom } from '../support/random.ts';
import { octets } from '../support/trees/tree-lines.ts';
import { measure, median, settle } from './measure.ts';
import type { Verdict } from './targets.ts';

const FILES_IN_DIR = 1000;
const CHANGED = 100;
const STATES = 1000;

/** Seconds that `diff` and `log` take, as a user waits for them: the start of the program is in it. */
export async function benchHistory(
  program: string,
  folder: string,
  { rounds, scale }: { readonly rounds: number; readonly scale: number },
): Promise<{ readonly table: string; readonly verdicts: readonly Verdict[]; readonly times: Readonly<Record<string, number>> }> {
  mkdirSync(folder, { recursive: true });
  const dirs = Math.max(4, Math.round(1000 * scale));
  const states = Math.max(50, Math.round(STATES * scale));
  await makeDifferingStates(join(folder, 'differ'), dirs);
  await makeStates(join(folder, 'states'), states);
  const lines = {
    [`diff of ${dirs * FILES_IN_DIR} entries that differ in ${CHANGED}`]: ['differ', 'diff'],
    [`log of one path over ${states} states`]: ['states', 'log docs/a/file-7'],
  } as const;
  const times: Record<string, number> = {};
  const verdicts: Verdict[] = [];
  const rows: string[] = [];
  for (const [what, [store, line]] of Object.entries(lines)) {
    const seconds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      settle(join(folder, store));
      seconds.push(
        measure(`"${process.execPath}" "${program}" -q -S "datadir:${join(folder, store)}" -c "${line}"`, { HOME: folder }, folder).seconds,
      );
    }
    const reached = median(seconds);
    times[what] = reached;
    rows.push(`| ${what} | ${reached.toFixed(2)} |`);
    verdicts.push({ part: 'history', what: `${what}, s`, reached, limit: 0.5, isReached: reached <= 0.5 });
  }
  rmSync(folder, { recursive: true });
  return { table: ['### history', '', '| | s |', '|---|---|', ...rows, ''].join('\n'), verdicts, times };
}

async function makeDifferingStates(folder: string, dirs: number): Promise<void> {
  await using store = await openDatadir(folder, { create: true, onNotice: () => undefined });
  const random = makeRandom(1);
  const changed = new Set<number>();
  while (changed.size < CHANGED) changed.add(random.below(dirs * FILES_IN_DIR));
  for (const isChanged of [false, true]) {
    await record(store, async (pending) => {
      const tops: Dirent[] = [];
      for (let dir = 0; dir < dirs; dir++) {
        const files = Array.from({ length: FILES_IN_DIR }, (_, i) =>
          fileOf(dir * FILES_IN_DIR + i, i, isChanged && changed.has(dir * FILES_IN_DIR + i)),
        );
        tops.push({ kind: 'dir', name: octets(`dir-${String(dir).padStart(6, '0')}`), meta: {}, block: storeDir(pending, files) });
        await pending.flushTo(store);
      }
      return tops;
    });
  }
}

async function makeStates(folder: string, states: number): Promise<void> {
  await using store = await openDatadir(folder, { create: true, onNotice: () => undefined });
  for (let state = 0; state < states; state++) {
    await record(store, async (pending) => {
      const names = Array.from({ length: 10 }, (_, i) => fileOf(i, i, i === 7 && state % 10 === 0, state));
      const a: Dirent = {
        kind: 'dir',
        name: octets('a'),
        meta: {},
        block: storeDir(
          pending,
          names.map((file, i) => ({ ...file, name: octets(`file-${i}`) })),
        ),
      };
      const docs: Dirent = { kind: 'dir', name: octets('docs'), meta: {}, block: storeDir(pending, [a]) };
      return await Promise.resolve([docs, { ...fileOf(state, 0, false, state), name: octets('other') }]);
    });
  }
}

async function record(store: Store, make: (pending: PendingBlocks) => Promise<readonly Dirent[]>): Promise<void> {
  const pending = new PendingBlocks(store.hashName);
  const block = storeDir(pending, await make(pending));
  await pending.flushTo(store);
  await store.flush();
  const dirent: DirDirent = { kind: 'dir', name: octets(''), meta: {}, block };
  await archiveOf(store, 'default')?.append(async () => await Promise.resolve({ dirent, whenNs: BigInt(Date.now()) * 1_000_000n }));
}

/** A file of which only its reference is there: nobody reads its content. */
function fileOf(id: number, number: number, isChanged: boolean, state = 0): Dirent {
  const digest = Buffer.alloc(32);
  digest.writeUInt32LE(id, 0);
  digest.writeUInt32LE(Math.imul(id + 1, 2_654_435_761) >>> 0, 28);
  if (isChanged) digest.writeUInt32LE(1 + state, 4);
  return {
    kind: 'file',
    name: octets(`file-${String(number).padStart(6, '0')}`),
    meta: { mode: 0o644, uid: 1000, gid: 1000, mtimeNs: 1_700_000_000_000_000_000n + BigInt(id) },
    block: { kind: 'hash', span: 1000 + (id % 5000) + (isChanged ? 1 : 0), hashcode: { hashName: 'sha3-256', digest } },
  };
}
