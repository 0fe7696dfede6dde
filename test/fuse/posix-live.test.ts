import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LiveHarness } from './live-harness.ts';
import { runPosixCases } from './posix/run-cases.ts';

describe('what POSIX and Linux say of a filesystem', () => {
  it('is so of a live tree without a mount; what is forgotten is gone from memory', async (t) => {
    await using harness = new LiveHarness();
    await runPosixCases(t, harness.caller);
    await harness.caller.leave();
    await harness.sync();
    assert.deepEqual(harness.faults, []);
    assert.equal(harness.live.mount.inodes.size, 0, 'inodes that nobody has');
  });

  it('is so of symlinks', async (t) => {
    await using harness = new LiveHarness();
    await runPosixCases(t, harness.caller, { about: /symlink|O_NOFOLLOW|every type/ });
    await harness.caller.leave();
  });
});
