import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import type { Block } from '../../../../core/block/block.ts';
import { EMPTY_BLOCK } from '../../../../core/block/block.ts';
import { formatBlock } from '../../../../core/block/block-text.ts';
import { readBlockRange } from '../../../../core/block/read-range.ts';
import { storeContent } from '../../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { FrontFile } from '../../../../fuse/live/write/front-file.ts';
import { FrontFolder } from '../../../../fuse/live/write/front-storage.ts';
import { makeRandom } from '../../../support/random.ts';

const OPERATIONS = Number(process.env['VTFTP_FRONT_OPERATIONS'] ?? 60);
const MIB = 1024 * 1024;

interface Bench {
  readonly store: MemoryStore;
  readonly front: FrontFile;
  /** Octets that were stored so far, in all calls. */
  readonly stored: () => number;
}

function benchOf(t: TestContext, fileName: string): Bench {
  const store = new MemoryStore();
  let stored = 0;
  const counted = async function* (content: Uint8Array | AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const piece of content instanceof Uint8Array ? [content] : content) {
      stored += piece.length;
      // Others have their turn meanwhile, as with workers.
      await new Promise<void>((resolve) => setImmediate(resolve));
      yield piece;
    }
  };
  const front = new FrontFile(
    {
      source: store,
      folder: new FrontFolder(tmpdir()),
      storeContent: async (content, options) => await storeContent(store, counted(content), options),
    },
    EMPTY_BLOCK,
    () => ({ fileName: fileName as Octets }),
  );
  t.after(() => front.close());
  return { store, front, stored: () => stored };
}

async function contentOf(store: MemoryStore, block: Block): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of readBlockRange(store, block)) pieces.push(Uint8Array.from(piece));
  return Buffer.concat(pieces);
}

describe('a front that is stored while it is written', () => {
  for (const seed of [1, 2, 3]) {
    it(`is what was written, however storing and writing meet, seed ${seed}`, async (t) => {
      const { store, front } = benchOf(t, 'f');
      const random = makeRandom(seed);
      let model = random.bytes(5 * MIB);
      front.write(model, 0);
      const under: Promise<unknown>[] = [];
      for (let i = 0; i < OPERATIONS; i++) {
        const at = random.below(model.length + 1);
        const kind = random.below(10);
        if (kind < 5) {
          const data = random.bytes(1 + random.below(40_000));
          const start = random.chance(50) ? model.length : random.chance(10) ? model.length + random.below(200_000) : at;
          const next = Buffer.alloc(Math.max(model.length, start + data.length));
          model.copy(next);
          data.copy(next, start);
          model = next;
          front.write(data, start);
        } else if (kind === 5) {
          const size = random.chance(50) ? at : model.length + random.below(300_000);
          model = Buffer.concat([model.subarray(0, size), Buffer.alloc(Math.max(0, size - model.length))]);
          front.truncate(size);
        } else if (kind === 6) {
          const end = Math.min(model.length, at + random.below(100_000));
          model = Buffer.from(model);
          model.fill(0, at, end);
          front.punch(at, end);
        } else if (kind === 7) {
          const block = await front.settle();
          assert.deepEqual(await contentOf(store, block), model, `operation ${i}`);
        } else under.push(front.settle());
        if (random.chance(30)) await new Promise<void>((resolve) => setImmediate(resolve));
      }
      await Promise.all(under);
      const block = await front.settle();
      assert.equal(block.span, model.length);
      assert.ok((await contentOf(store, block)).equals(model));
    });
  }

  it('that only grows costs what is new each time, and has the Blocks at its end that it has if it is stored at once', async (t) => {
    const { store, front, stored } = benchOf(t, 'log.csv');
    const random = makeRandom(5);
    const lines = Buffer.from(Array.from({ length: 160_000 }, (_, i) => `${i},${random.bytes(60).toString('hex')}\n`).join(''));
    const step = 500_000;
    for (let at = 0; at < lines.length; at += step) {
      front.write(lines.subarray(at, at + step), at);
      await front.settle();
    }
    assert.ok(stored() < 4 * lines.length, `${stored()} octets were read to store ${lines.length}`);
    front.finish();
    const whole = await storeContent(store, [lines], { hint: { fileName: 'log.csv' as Octets } });
    assert.equal(formatBlock(await front.settle()), formatBlock(whole));
  });
});
