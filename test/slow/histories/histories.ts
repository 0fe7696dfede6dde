import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { History } from './history.ts';

/** Random histories of several Stores against a model of three-way merges. */
export const historiesTorture: Torture = {
  name: 'histories',
  does: 'random histories of 2 to 4 Stores: put, edit, rename, remove, chmod, undo, merge, push, pull, gc, interrupted merges',
  promise:
    'each merge equals that of a model; all are equal after a full exchange; no recorded content is lost; a conflict is reported once',
  fullRounds: 10_000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let number = 0; tally.goesOn; number++) {
    const folder = join(limits.folder, `history-${number}`);
    mkdirSync(folder);
    const history = new History(folder, makeRandom(limits.seed + number));
    try {
      await history.run();
    } catch (error) {
      tally.fault(`history ${number}: ${error instanceof Error ? error.message : String(error)}\n  ${history.told.join('\n  ')}`);
    }
    for (const kind of history.kinds) tally.note(kind);
    tally.count(`of ${history.size} Stores`);
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result();
}
