import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { Checks } from './checks.ts';
import { POSIX_CASES } from './list.ts';
import type { Caller } from './system-calls.ts';

/** Which cases are run, and how they have to end. */
interface PosixRun {
  /** Those whose name fits; default all. */
  readonly about?: RegExp;
  /** Names of cases that fail, with the reason. */
  readonly failing?: ReadonlyMap<string, string>;
}

/** Runs every case that a caller can run as a test of its own, each in a folder of its own. */
export async function runPosixCases(t: TestContext, caller: Caller, { about = /./, failing = new Map() }: PosixRun = {}): Promise<void> {
  let checks = 0;
  let folder = 0;
  for (const [group, cases] of Object.entries(POSIX_CASES)) {
    for (const { name, needsKernel, run } of cases) {
      if ((needsKernel === true && !caller.hasKernel) || !about.test(name)) continue;
      await t.test(`${group}: ${name}`, async () => {
        const fs = new Checks(caller);
        await caller.call('become', 0, 0, []);
        await caller.call('umask', 0o022);
        await caller.call('enter', `case-${folder++}`);
        try {
          const reason = failing.get(name);
          if (reason === undefined) await run(fs);
          else await assert.rejects(async () => await run(fs), `it does not fail any more for this reason: ${reason}`);
        } finally {
          checks += fs.count;
        }
      });
    }
  }
  t.diagnostic(`${checks} checks`);
}
