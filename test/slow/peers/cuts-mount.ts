import { createHash, randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Cut } from '../../support/links/cutting-relay.ts';
import { run, vtftp } from '../../support/program.ts';
import type { Random } from '../../support/random.ts';
import type { TortureTally } from '../torture-kind.ts';
import { CUT_STATUSES, type Place, type Way } from './cut-ways.ts';

/** Files that are written through a mount in a round, at most, and their octets. */
const MOST_WRITTEN = 5;
const MAX_WRITTEN = 400_000;
/** Seconds after which a program that uses the mount hangs. */
const HANGS = 100;

/**
 * A mount of the server whose connection is cut: what it gives of a file is the file or an error, and what it took without an error is at
 * the server once it is taken away.
 */
export async function mountRound(
  { folder, env }: Place,
  random: Random,
  { name, specification, relay }: Way,
  cuts: readonly Cut[],
  tally: TortureTally,
): Promise<void> {
  const mnt = join(folder, 'mnt');
  const session = async (...words: string[]) => await vtftp(words, { env, cwd: folder });
  relay.plan(cuts);
  const made = await session('-S', specification, '-c', `mount ${mnt}`);
  tally.count(`${name}: mount ${made.status === 0 ? 'made' : 'refused'}`);
  if (made.status !== 0) {
    if (!CUT_STATUSES.includes(made.status ?? -1)) tally.fault(`mount: ${made.report}`);
    relay.plan([]);
    return;
  }
  const taken = new Map<string, string>();
  for (let i = 0; i < 1 + random.below(MOST_WRITTEN); i++) {
    const file = `m${random.below(1e6)}`;
    const content = randomBytes(1 + random.below(MAX_WRITTEN));
    writeFileSync(join(folder, 'written'), content);
    const sync = random.chance(50) ? ` && sync "${mnt}/${file}"` : '';
    const put = await run('timeout', [String(HANGS), 'sh', '-c', `cp written "${mnt}/${file}"${sync}`], { cwd: folder });
    if (put.status === 124) tally.fault(`cp into the mount hangs: ${put.report}`);
    if (put.status === 0) taken.set(file, createHash('sha256').update(content).digest('hex'));
    const read = await run('timeout', [String(HANGS), 'sh', '-c', `find "${mnt}" -type f | shuf -n 3 | xargs -r sha256sum`], {
      cwd: folder,
    });
    if (read.status === 124) tally.fault(`reading the mount hangs: ${read.report}`);
    for (const [, sum, path = ''] of read.stdout.matchAll(/^(\w{64}) {2}.*\/mnt\/(.*)$/gm))
      if (taken.has(path) && taken.get(path) !== sum) tally.fault(`${path} is read with other octets`);
  }
  tally.note('cuts', relay.made);
  tally.note('files through mounts', taken.size);
  relay.plan([]);
  const gone = await session('-c', `umount ${mnt}`);
  if (gone.status !== 0) tally.fault(`umount: ${gone.report}`);
  const found = await session('-S', join(folder, 'server'), '-c', `fsck; lcd ${folder}; get --delete -c / got`);
  if (found.status !== 0 || !found.stdout.includes('clean')) tally.fault(`the server: ${found.report}`);
  for (const [file, sum] of taken) {
    const there = await run('sha256sum', [join('got', file)], { cwd: folder });
    if (!there.stdout.startsWith(sum)) tally.fault(`${file}, which the mount took, is not at the server: ${there.report}`);
  }
}
