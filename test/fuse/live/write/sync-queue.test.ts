import assert from 'node:assert/strict';
import { constants } from 'node:fs';
import { describe, it } from 'node:test';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { LiveHarness } from '../../live-harness.ts';

const FILES = 300;

/** A Store that tells when so many Blocks were added. */
class CountedStore extends MemoryStore {
  #added = 0;
  #waits: { readonly count: number; readonly resolve: () => void } | undefined;

  added(count: number): Promise<void> {
    return new Promise((resolve) => {
      this.#waits = { count, resolve };
    });
  }

  override async addBatch(...args: Parameters<MemoryStore['addBatch']>): Promise<boolean[]> {
    const isNew = await super.addBatch(...args);
    this.#added += args[0].length;
    if (this.#waits !== undefined && this.#added >= this.#waits.count) this.#waits.resolve();
    return isNew;
  }
}

function contentOf(i: number): string {
  return `content ${i}, which is longer than a literal and less than a page`;
}

async function writeFiles({ caller }: LiveHarness): Promise<void> {
  for (let i = 0; i < FILES; i++) {
    const fd = await caller.call('open', `f${i}`, constants.O_WRONLY | constants.O_CREAT, 0o644);
    await caller.call('pwrite', fd, contentOf(i), 0);
    await caller.call('close', fd);
  }
}

describe('small files that are closed', () => {
  it('are stored by themselves, and read as before', async () => {
    const store = new CountedStore();
    await using harness = new LiveHarness(store);
    const added = store.added(FILES);
    await writeFiles(harness);
    await added;
    await harness.reopen();
    for (let i = 0; i < FILES; i++) {
      const fd = await harness.caller.call('open', `f${i}`, constants.O_RDONLY);
      assert.equal(await harness.caller.call('pread', fd, 4096, 0), contentOf(i));
      await harness.caller.call('close', fd);
    }
    assert.deepEqual(harness.faults, []);
  });

  it('are all stored by one sync, though others are written meanwhile', async () => {
    await using harness = new LiveHarness();
    await writeFiles(harness);
    const settled = harness.live.settle();
    const fd = await harness.caller.call('open', 'later', constants.O_WRONLY | constants.O_CREAT, 0o644);
    await harness.caller.call('pwrite', fd, 'later', 0);
    await settled;
    const waiting = [...harness.live.mount.inodes.all()].filter(({ front }) => front !== undefined);
    assert.equal(waiting.length, 1);
    await harness.caller.call('close', fd);
    assert.deepEqual(harness.faults, []);
  });

  it('leave nothing in the Store where they are removed at once', async () => {
    const store = new MemoryStore();
    await using harness = new LiveHarness(store);
    const fd = await harness.caller.call('open', 'temporary', constants.O_WRONLY | constants.O_CREAT, 0o644);
    await harness.caller.call('pwrite', fd, contentOf(0), 0);
    await harness.caller.call('close', fd);
    await harness.caller.call('unlink', 'temporary');
    await harness.live.settle();
    assert.equal(store.counts().newBlocks, 0);
    assert.deepEqual(harness.faults, []);
  });
});
