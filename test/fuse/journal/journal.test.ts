import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { makeRandom } from '../../support/random.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';
import { JournalModel } from './journal-model.ts';
import { JournaledTree, journalFiles, killedRecovery } from './journaled-tree.ts';

/** Seeds, and kills of each. */
const SEEDS = Number(process.env['VTFTP_JOURNAL_SEEDS'] ?? 8);
const FIRST_SEED = Number(process.env['VTFTP_JOURNAL_FIRST'] ?? 1);
const KILLS = 4;
const OPERATIONS = 60;

async function survives(step: Promise<void>): Promise<boolean> {
  try {
    await step;
    return true;
  } catch (error) {
    if (error instanceof Error && /killed/.test(error.message)) return false;
    throw error;
  }
}

describe('a journal of what was synced', () => {
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) {
    it(`has all of it after kills at any moment, seed ${seed}`, async (t) => {
      const folder = mkdtempSync(join(tmpdir(), 'vtftp-journal-'));
      t.after(() => rmSync(folder, { recursive: true, force: true }));
      const random = makeRandom(seed);
      const warnings: string[] = [];
      const others: string[] = [];
      const hasRoot = (): boolean => existsSync(join(folder, 'store/archives/default.vt'));
      const recover = async (): Promise<void> => {
        await (await openShellHere({ home: folder, store: join(folder, 'store'), onMessage: (text) => warnings.push(text) })).session[
          Symbol.asyncDispose
        ]();
      };
      const model = new JournalModel(random);
      for (let kill = 0; kill < KILLS; kill++) {
        const tree = await JournaledTree.open(folder, warnings);
        await model.read(tree, others);
        tree.onRoot = () => model.rootBegins();
        let rooting: Promise<void> | undefined;
        const steps = random.below(OPERATIONS);
        for (let i = 0; i < steps; i++) {
          await model.step(tree);
          if (rooting !== undefined || !random.chance(8)) continue;
          rooting = tree.shell.session.sync().then(() => {
            model.rootRecorded();
            rooting = undefined;
          });
          if (random.chance(50)) await rooting;
        }
        await rooting;
        if (random.chance(30) && hasRoot()) {
          await (async () => {
            const other = await openShellHere({ home: folder, store: join(folder, 'store') });
            const name = `/other${kill}`;
            const made = await other.run(`mkdir ${name}`);
            assert.equal(made.status, 0, made.stderr);
            await other.session.sync();
            await other.session[Symbol.asyncDispose]();
            others.push(name);
          })();
        }
        if (random.chance(40)) {
          tree.killAt = random.chance(50) ? 'before the line' : 'after the line';
          const rooted = tree.shell.session.sync().then(
            () => true,
            () => false,
          );
          // A sync that needs a root of its own ends with the process.
          while (random.chance(70) && (await survives(model.step(tree))));
          await rooted;
          if (tree.killAt === 'after the line') model.rootRecorded(false);
        }
        await tree.kill();
        const left = journalFiles(folder).length;
        if (left > 0 && random.chance(40)) await killedRecovery(folder, random.chance(50) ? 'before the line' : 'after the line', recover);
        const recovered = await JournaledTree.open(folder, warnings);
        const what = `seed ${seed}, kill ${kill} after ${model.did}, ${left} files`;
        assert.deepEqual(await model.differences(recovered, others), [], what);
        assert.deepEqual(journalFiles(folder), [], what);
        await recovered.end();
      }
      assert.deepEqual(warnings, []);
    });
  }
});
