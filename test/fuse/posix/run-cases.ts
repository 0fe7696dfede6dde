import type { TestContext } from 'node:test';
import { Checks } from './checks.ts';
import { POSIX_CASES } from './list.ts';
import type { Caller } from './system-calls.ts';

/** Runs every case that a caller can run, and whose name fits, as a test of its own, each in a folder of its own. */
export async function runPosixCases(t: TestContext, caller: Caller, about = /./): Promise<void> {
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
          await run(fs);
        } finally {
          checks += fs.count;
        }
      });
    }
  }
  t.diagnostic(`${checks} checks`);
}
