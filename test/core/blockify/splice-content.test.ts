import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Block } from '../../../core/block/block.ts';
import { sameBlock } from '../../../core/block/block.ts';
import { DEFAULT_EDGES } from '../../../core/block/edge-settings.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import type { ContentPart } from '../../../core/blockify/splice-content.ts';
import { canSplice, spliceContent } from '../../../core/blockify/splice-content.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { makeRandom } from '../../support/random.ts';

const MIB = 1024 * 1024;

async function* once(octets: Uint8Array): AsyncGenerator<Uint8Array> {
  yield octets;
}

/** Puts parts together, counting the octets that are read for it. */
async function spliced(
  store: MemoryStore,
  parts: readonly ContentPart[],
  whole: Buffer,
): Promise<{ readonly block: Block; readonly read: number }> {
  let read = 0;
  const block = await spliceContent(store, {
    parts,
    async *read(start, end) {
      for (let at = start; at < end; at += 100_000) {
        const piece = whole.subarray(at, Math.min(end, at + 100_000));
        read += piece.length;
        yield piece;
      }
    },
    storeContent: (content, { start }) => storeContent(store, content, { start }),
  });
  return { block, read };
}

describe('a content put together of new octets, holes and parts of stored Blocks', () => {
  for (const coarseFrom of [undefined, MIB])
    it(`has the Blocks that storing all of it gives, and of a change reads what lies around it only (coarse from ${coarseFrom})`, async () => {
      await checkChanges(new MemoryStore({ edges: { ...DEFAULT_EDGES, ...(coarseFrom === undefined ? {} : { coarseFrom }) } }));
    });

  const checkChanges = async (store: MemoryStore): Promise<void> => {
    assert.ok(canSplice(store));
    const random = makeRandom(7);
    const base = random.bytes(6 * MIB);
    const block = await storeContent(store, base);
    for (let round = 0; round < 8; round++) {
      const start = random.below(base.length);
      const end = Math.min(base.length, start + 1 + random.below(random.pick([20_000, 20_000, 2 * MIB])));
      const whole = Buffer.from(base);
      random.bytes(end - start).copy(whole, start);
      const parts: ContentPart[] = [
        { start: 0, end: start, source: { block, at: 0 } },
        { start, end, source: 'octets' as const },
        { start: end, end: whole.length, source: { block, at: end } },
      ].filter((part) => part.end > part.start);
      const result = await spliced(store, parts, whole);
      assert.ok(sameBlock(result.block, await storeContent(store, whole)), `round ${round}: the same Block`);
      assert.ok(result.read < end - start + 2 * MIB, `round ${round}: ${result.read} octets read`);
    }
  };

  it('reads as its parts say, whatever they are', async () => {
    const store = new MemoryStore();
    const random = makeRandom(8);
    const bases = await Promise.all(
      [3 * MIB, 2 * MIB].map(async (size) => {
        const octets = random.bytes(size);
        octets.fill(0, size / 4, size / 2);
        return { octets, block: await storeContent(store, octets) };
      }),
    );
    for (let round = 0; round < 30; round++) {
      const parts: ContentPart[] = [];
      const pieces: Buffer[] = [];
      let at = 0;
      for (let left = 1 + random.below(12); left > 0; left--) {
        const length = 1 + random.below(random.chance(50) ? 5_000 : 600_000);
        const kind = random.below(3);
        const base = random.pick([bases[0], bases[1]]);
        if (kind === 0 || base === undefined) {
          parts.push({ start: at, end: at + length, source: 'octets' });
          pieces.push(random.bytes(length));
        } else if (kind === 1) {
          parts.push({ start: at, end: at + length, source: undefined });
          pieces.push(Buffer.alloc(length));
        } else {
          const from = random.below(base.octets.length - length);
          parts.push({ start: at, end: at + length, source: { block: base.block, at: from } });
          pieces.push(base.octets.subarray(from, from + length));
        }
        at += length;
      }
      const whole = Buffer.concat(pieces);
      const { block } = await spliced(store, parts, whole);
      assert.equal(block.span, whole.length);
      assert.ok(whole.equals(await readBlockBytes(store, block)), `round ${round}: the same octets`);
    }
  });

  it('takes no time for holes of any length', async () => {
    const store = new MemoryStore();
    const size = 2 ** 50;
    const octets = Buffer.from('at the end of a long hole');
    const block = await spliceContent(store, {
      parts: [
        { start: 0, end: size, source: undefined },
        { start: size, end: size + octets.length, source: 'octets' },
      ],
      read: (start, end) => once(octets.subarray(start - size, end - size)),
      storeContent: (content) => storeContent(store, content),
    });
    assert.equal(block.span, size + octets.length);
  });

  for (const octet of [0, 0xff])
    it(`an octet in the midst of a long run of ${octet} leaves a run on both sides, unread`, async () => {
      const store = new MemoryStore();
      const size = 2 ** 50;
      const middle = 2 ** 49 + 5;
      const block: Block = { kind: 'run', span: size, octet };
      const change = Buffer.from('changed');
      const result = await spliceContent(store, {
        parts: [
          { start: 0, end: middle, source: { block, at: 0 } },
          { start: middle, end: middle + change.length, source: 'octets' },
          { start: middle + change.length, end: size, source: { block, at: middle + change.length } },
        ],
        read: (start, end) => {
          assert.ok(start >= middle && end <= middle + change.length, `${start} to ${end} is read`);
          return once(change.subarray(start - middle, end - middle));
        },
        storeContent: (content) => storeContent(store, content),
      });
      assert.equal(result.span, size);
      const kinds: string[] = [];
      for await (const leaf of leavesOf(store, result)) kinds.push(`${leaf.block.kind} ${leaf.start} ${leaf.size}`);
      assert.deepEqual(kinds, [
        `run 0 ${middle}`,
        `literal ${middle} ${change.length}`,
        `run ${middle + change.length} ${size - middle - change.length}`,
      ]);
    });
});
