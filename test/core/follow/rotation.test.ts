import assert from 'node:assert/strict';
import { copyFileSync, readdirSync, readFileSync, readlinkSync, renameSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import type { TailMark } from '../../../core/follow/checkpoint.ts';
import { Log } from '../../support/growing-log.ts';
import { makeRandom } from '../../support/random.ts';
import { makeScratch } from '../../support/scratch.ts';
import { Following } from './tailing.ts';

interface Case {
  readonly log: Log;
  readonly following: Following;
  /** A round, and a look at the content: it is all that was written. */
  readonly check: () => Promise<void>;
}

function makeCase(t: TestContext): Case {
  const folder = makeScratch(t).folder;
  const log = new Log(join(folder, 'app.log'));
  const following = new Following([log.path], '/app.log', false);
  t.after(async () => {
    log.close();
    await following.group.close();
  });
  const check = async (): Promise<void> => {
    await following.round();
    assert.equal((await following.content('/app.log')).toString(), log.written.toString());
  };
  return { log, following, check };
}

/** Some 15 KB of lines. */
const FIRST = Array.from({ length: 700 }, (_, i) => `the first lines, ${i}\n`).join('');

/** Each does something to a log that has been followed, writes on, and calls `check` whenever it likes. */
const MATRIX: readonly { readonly name: string; readonly act: (made: Case) => Promise<void> | void }[] = [
  { name: 'nothing but appends', act: ({ log }) => log.write('and on\n') },
  {
    name: 'rotation by rename, the writer reopening at once',
    act: ({ log }) => {
      log.rotateByRename();
      log.reopen();
      log.write('new\n');
    },
  },
  {
    name: 'rotation by rename, the writer going on with the old file for a while',
    act: async ({ log, check }) => {
      log.write('seen late\n');
      log.rotateByRename();
      log.write('old still\n');
      await check();
      log.write('old even now\n');
      log.reopen();
      log.write('new\n');
    },
  },
  {
    name: 'three rotations between two looks',
    act: ({ log }) => {
      for (const text of ['one\n', 'two\n', 'three\n']) {
        log.rotateByRename();
        log.reopen();
        log.write(text);
      }
    },
  },
  {
    name: 'copy and truncation',
    act: ({ log }) => {
      log.rotateByCopy();
      log.write('after\n');
    },
  },
  {
    name: 'copy and truncation of what nobody has looked at',
    act: ({ log }) => {
      log.write('written before the copy\n');
      log.rotateByCopy();
      log.write('after\n');
    },
  },
  {
    name: 'two copies and truncations between two looks, and two more after a look at nothing',
    act: async ({ log, check }) => {
      for (const text of ['one\n', 'two\n']) {
        log.rotateByCopy();
        log.write(text);
      }
      await check();
      log.rotateByCopy();
      await check();
      for (const text of ['three\n', 'four\n']) {
        log.write(text);
        log.rotateByCopy();
      }
      log.write('five\n');
    },
  },
  {
    name: 'copy and truncation, and growth beyond what it was',
    act: ({ log }) => {
      log.rotateByCopy();
      log.write('after '.repeat(3000));
    },
  },
  {
    name: 'truncation to nothing',
    act: ({ log }) => {
      truncateSync(log.path);
      log.write('after\n');
    },
  },
  {
    name: 'replacement by an editor that has added a line',
    act: ({ log }) => {
      writeFileSync(`${log.path}~new`, Buffer.concat([readFileSync(log.path), Buffer.from('added\n')]));
      renameSync(`${log.path}~new`, log.path);
      log.written = Buffer.concat([log.written, Buffer.from('added\n')]);
    },
  },
  {
    name: 'replacement by another file',
    act: ({ log }) => {
      writeFileSync(`${log.path}~new`, 'other\n');
      renameSync(`${log.path}~new`, log.path);
      log.written = Buffer.concat([log.written, Buffer.from('other\n')]);
    },
  },
  {
    name: 'deletion, and a new file later',
    act: async ({ log, check }) => {
      log.write('last words\n');
      log.remove();
      log.write('to the deleted file\n');
      await check();
      log.reopen();
      log.write('new life\n');
    },
  },
  {
    name: 'deletion, and a new file after an hour',
    act: async ({ log, following, check }) => {
      log.remove();
      await check();
      following.nowMs += 3_600_000;
      await check();
      log.reopen();
      log.write('new life\n');
    },
  },
  {
    name: 'a filesystem that is unmounted and comes back with another device number',
    act: async ({ log, following, check }) => {
      // As the same path sees it: nothing there, and later a file with the same octets that is another one.
      renameSync(log.path, `${log.path}~away`);
      await check();
      following.nowMs += 3_600_000;
      await check();
      copyFileSync(`${log.path}~away`, log.path);
      rmSync(`${log.path}~away`);
      log.reopen();
      log.write('back again\n');
    },
  },
  {
    name: 'a partial last line',
    act: async ({ log, check }) => {
      log.write('a line that is not');
      await check();
      log.write(' yet whole\n');
    },
  },
];

/** What nobody can make good who did not look meanwhile. */
const LOSSES = /deletion|truncation to nothing|replacement by another/;

/** Longer than any file stays open that nothing is written to. */
const REST_MS = 10_000;

/** Descriptors of this process that lead to a path. */
function openFiles(path: string): number {
  return readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === path;
    } catch {
      return false;
    }
  }).length;
}

describe('the content of a tail is all that was ever written', () => {
  for (const { name, act } of MATRIX) {
    it(`through ${name}`, async (t) => {
      const made = makeCase(t);
      made.log.write(FIRST);
      await made.check();
      await act(made);
      await made.check();
      made.log.write('further on\n');
      await made.check();
    });

    it(`through ${name}, after nothing was written for a while`, async (t) => {
      const made = makeCase(t);
      const { log, following, check } = made;
      log.write(FIRST);
      await check();
      following.nowMs += REST_MS;
      await check();
      assert.equal(openFiles(log.path), 1, 'the writer has it open, and nobody else');
      const isLost = LOSSES.test(name);
      await act(isLost ? { ...made, check: async () => await Promise.resolve() } : made);
      if (isLost) {
        // What was written and removed between two looks at a file that nobody has open is gone.
        await following.round();
        assert.equal((await following.content('/app.log')).toString(), `${FIRST}${readFileSync(log.path, 'utf8')}`);
      } else await check();
      following.nowMs += REST_MS;
      await following.round();
      const before = (await following.content('/app.log')).toString();
      log.reopen();
      log.write('further on\n');
      await following.round();
      assert.equal((await following.content('/app.log')).toString(), `${before}further on\n`);
    });

    it(`through ${name}, while no process follows it`, async (t) => {
      const made = makeCase(t);
      made.log.write(FIRST);
      await made.check();
      const marks = made.following.marks();
      // What is checked meanwhile is what another process would see: here it has to come out at the end.
      await act({ ...made, check: async () => await Promise.resolve() });
      await made.following.restart(marks);
      if (!LOSSES.test(name)) await made.check();
      else {
        // What was written and removed while nobody looked is gone; what is there comes behind what was.
        await made.following.round();
        const content = (await made.following.content('/app.log')).toString();
        assert.equal(content, `${FIRST}${readFileSync(made.log.path, 'utf8')}`);
      }
    });
  }

  it('random writes, rotations, looks and restarts from any checkpoint: nothing lost, nothing twice', async (t) => {
    for (let seed = 0; seed < 100; seed++) {
      const random = makeRandom(seed);
      const { log, following } = makeCase(t);
      let marks: readonly TailMark[] = [];
      let number = 0;
      const write = (): void => log.write(`${seed} ${number++} ${'x'.repeat(random.below(60))}\n`.repeat(1 + random.below(30)));
      write();
      await following.round();
      marks = following.marks();
      const steps: readonly [() => Promise<void> | void, ...(() => Promise<void> | void)[]] = [
        write,
        write,
        write,
        () => {
          // A log is rotated one way or the other.
          if (seed % 2 === 0) log.rotateByRename();
          else log.rotateByCopy();
        },
        () => {
          log.reopen();
          write();
        },
        async () => {
          await following.round();
          marks = following.marks();
        },
        async () => {
          await following.restart(marks);
        },
        () => {
          following.nowMs += REST_MS;
        },
      ];
      for (let step = 0; step < 25; step++) await random.pick(steps)();
      log.reopen();
      write();
      await following.round();
      assert.equal((await following.content('/app.log')).toString(), log.written.toString(), `seed ${seed}`);
    }
  });
});
