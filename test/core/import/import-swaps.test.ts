import assert from 'node:assert/strict';
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { importLocal } from '../../../core/import/import.ts';
import type { ImportOptions } from '../../../core/import/import-options.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeScratch } from '../../support/scratch.ts';
import { contentsBelow } from '../../support/trees/stored-contents.ts';

// Somebody who may write a tree swaps a directory of it for a symlink while it is imported, at each moment at which the import
// asks something of its caller.

const SECRET = 'what only root may read';

interface Swapped {
  readonly source: Octets;
  /** Swaps the directory, once. */
  readonly swap: () => void;
  readonly isSwapped: () => boolean;
}

function makeSwapped(t: TestContext): Swapped {
  const scratch = makeScratch(t);
  for (const [folder, content] of [
    ['src/d', 'ours'],
    ['secret', SECRET],
  ] as const) {
    for (const name of ['a', 'b/c/d', 'b/c/e', 'large', 'z']) {
      const path = scratch.path(join(folder, name));
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, name === 'large' ? content.repeat(50_000) : `${content} ${name}`);
    }
    symlinkSync(content, scratch.path(join(folder, 'link')));
  }
  writeFileSync(scratch.path('src/zz'), 'ours');
  let isSwapped = false;
  return {
    source: octetsFromText(scratch.path('src')),
    swap() {
      if (isSwapped) return;
      isSwapped = true;
      renameSync(scratch.path('src/d'), scratch.path('aside'));
      symlinkSync(scratch.path('secret'), scratch.path('src/d'));
    },
    isSwapped: () => isSwapped,
  };
}

/** Imports, with something done when the import asks its caller for the `call`th time. @returns how often it asked */
async function importAsking(
  source: Octets,
  call: number,
  act: () => void,
  workers: number,
): Promise<{ asked: number; contents: string[] }> {
  await using store = new MemoryStore();
  let asked = 0;
  const ask = (): undefined => {
    if (asked++ === call) act();
  };
  const options: ImportOptions = {
    workers,
    isStoreFolder: () => ask() === null,
    owners: { userName: ask, groupName: ask, userId: ask, groupId: ask },
  };
  const { dirent } = await importLocal(store, source, options);
  return { asked, contents: await contentsBelow(store, dirent) };
}

describe('a directory that is swapped for a symlink while it is imported', () => {
  for (const workers of [0, 1])
    it(`lets nothing in from there, at whatever moment, with ${workers} workers`, async (t) => {
      const { asked } = await importAsking(makeSwapped(t).source, -1, () => {}, workers);
      assert.ok(asked > 10);
      for (let call = 0; call < asked; call++) {
        const { source, swap, isSwapped } = makeSwapped(t);
        const { contents } = await importAsking(source, call, swap, workers);
        assert.ok(isSwapped(), `moment ${call}`);
        assert.deepEqual(
          contents.filter((content) => content.includes(SECRET)),
          [],
          `moment ${call}`,
        );
        assert.ok(contents.includes('ours'), 'the rest is there');
      }
    });
});
