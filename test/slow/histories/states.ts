import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { makeRandom } from '../../support/random.ts';
import { type Torture, type TortureLimits, type TortureResult, TortureTally } from '../torture-kind.ts';
import { StateStory } from './state-story.ts';

/** Random sequences of all that changes, names, forgets and converts states. */
export const statesTorture: Torture = {
  name: 'states',
  does: 'one Store through random put, cp, mv, rm, ln, merge, tag, undo, redo, forget, gc and transition in place, against a model of each state',
  promise: 'the archive has the states of the model; each Dirref and tag of a state that was not forgotten opens, with the same files',
  fullRounds: 1000,
  run,
};

async function run(limits: TortureLimits): Promise<TortureResult> {
  const tally = new TortureTally(limits);
  for (let number = 0; tally.goesOn; number++) {
    const folder = join(limits.folder, `story-${number}`);
    mkdirSync(folder);
    const story = new StateStory(folder, makeRandom(limits.seed + number));
    try {
      await story.run();
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      tally.fault(`seed ${limits.seed + number}: ${reason}\n  ${story.told.join('\n  ')}`);
    }
    for (const kind of story.kinds) tally.note(kind);
    tally.count('stories');
    rmSync(folder, { recursive: true, force: true });
  }
  return tally.result();
}
