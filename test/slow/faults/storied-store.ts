import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROGRAM, run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import { copyStore, type SmallStore } from '../stores/small-store.ts';

/** Octets of what a session puts that is broken off, or recorded elsewhere. */
const SIZE = 60_000;

/**
 * A Store with a past: several data files, as sessions wrote at the same time; two archives; a merge; and Blocks that gc has set aside, since a
 * session was at work that may have counted on them, and was killed.
 */
export async function makeStoriedStore(folder: string, small: SmallStore, random: Random): Promise<string> {
  const store = join(folder, 'storied');
  await copyStore(small.store, store);
  const junk = (name: string): string => {
    const path = join(folder, `junk-${name}`);
    writeFileSync(path, random.bytes(SIZE));
    return path;
  };
  const shell = (...lines: readonly string[]): string =>
    `'${process.execPath}' '${PROGRAM}' -S '${store}' ${lines.map((line) => `-c '${line}'`).join(' ')}`;
  const during = join(folder, 'during.sh');
  const others = [shell(`put ${junk('kept')} kept`, 'quit'), shell(`publish ${junk('published')}`), shell('gc --grace 0')];
  writeFileSync(during, `${others.join(' && ')} && kill -9 $SESSION`);
  const session = `SESSION=$$ exec ${shell(`put ${junk('lost')} lost`, `!sh ${during}`)}`;
  const killed = await run('sh', ['-c', session], { env: small.env });
  if (killed.signal !== 'SIGKILL') throw new Error(killed.report);
  const other = join(folder, 'other');
  await copyStore(small.store, other);
  for (const [to, line] of [
    [store, 'mkdir here; quit'],
    [other, 'mkdir there; quit'],
  ] as const) {
    const made = await vtftp(['-S', to, '-c', line], { env: small.env });
    if (made.status !== 0) throw new Error(made.report);
  }
  const merged = await vtftp(['-S', store, '-c', `merge ${other}; quit`], { env: small.env });
  if (merged.status !== 0) throw new Error(merged.report);
  return store;
}
