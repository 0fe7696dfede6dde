import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { storeContent } from '../../../../core/blockify/store-content.ts';
import { MemoryStore } from '../../../../core/store/memory.ts';
import { changedRanges } from '../../../../core/tree/diff/changed-ranges.ts';
import { commonLines } from '../../../../core/tree/diff/line-diff.ts';
import type { SideFile } from '../../../../core/tree/diff/side-content.ts';
import { firstDifference, sameBytes } from '../../../../core/tree/diff/side-content.ts';
import { formatHunks, hunksOf, isText } from '../../../../core/tree/diff/unified.ts';
import { run } from '../../../support/program.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';
import { at, octets } from '../../../support/trees/tree-lines.ts';

/** A text, and another that differs from it in some lines. */
function texts(seed: number): { readonly before: string; readonly after: string } {
  const random = makeRandom(seed);
  const line = (): string => random.pick(['{\n', '}\n', '\n', `line ${random.below(9)}\n`, `other ${random.below(99)}\n`]);
  const lines = Array.from({ length: random.below(80) }, line);
  const changed = [...lines];
  for (let edits = random.below(7); edits > 0; edits--)
    changed.splice(random.below(changed.length + 1), random.below(4), ...Array.from({ length: random.below(4) }, line));
  const cut = (text: string): string => (random.chance(30) ? text.slice(0, -1) : text);
  return { before: cut(lines.join('')), after: cut(changed.join('')) };
}

describe('a unified difference', () => {
  it('makes git-apply(1) turn the one text into the other, and is as short as that of diff(1) --minimal', async (t) => {
    const scratch = makeScratch(t);
    const [old, now] = [scratch.path('old'), scratch.path('new')];
    for (let seed = 0; seed < 20; seed++) {
      const { before, after } = texts(seed);
      writeFileSync(old, before);
      writeFileSync(now, after);
      const hunks = hunksOf(Buffer.from(before), Buffer.from(after));
      const patch = `--- a/old\n+++ b/old\n${formatHunks(hunks)}`;
      if (before === after) {
        assert.equal(hunks.length, 0, `seed ${seed}`);
        continue;
      }
      const theirs = await run('diff', ['--minimal', '-U', '3', old, now]);
      const patched = await run('git', ['apply', '-'], { input: patch, cwd: scratch.folder });
      assert.equal(patched.status, 0, `seed ${seed}: ${patched.report}\n${patch}`);
      assert.equal(readFileSync(old, 'utf8'), after, `seed ${seed}:\n${patch}`);
      const edits = (text: string): number => text.split('\n').filter((line) => /^[-+](?!--|\+\+)/.test(line)).length;
      assert.ok(edits(patch) <= edits(theirs.stdout), `seed ${seed}:\n${patch}\n${theirs.stdout}`);
    }
  });

  it('takes texts without a line in common, of many lines', () => {
    const many = (word: string): string[] => Array.from({ length: 9000 }, (_, i) => `${word} ${i}`);
    assert.deepEqual(commonLines(many('a'), many('b')), []);
    const mixed = [...many('a'), 'common', ...many('b')];
    const total = commonLines(mixed, [...many('c'), 'common', ...many('d')]).reduce((sum, { length }) => sum + length, 0);
    assert.equal(total, 1);
    assert.ok(isText(Buffer.from('é\n')) && !isText(Buffer.from('a\0b')));
  });
});

describe('two contents', () => {
  it('differ where their octets do, however they are cut', async () => {
    for (let seed = 0; seed < 40; seed++) {
      const random = makeRandom(seed);
      const [store, other] = [
        new MemoryStore(),
        new MemoryStore({ edges: { kernel: 'poly32-1', minSize: 512, meanSize: 2048, maxSize: 4096 } }),
      ];
      const before = random.bytes(1 + random.below(200_000));
      const after = random.chance(25)
        ? Buffer.from(before)
        : Buffer.concat([
            before.subarray(0, random.below(before.length)),
            random.bytes(random.below(50)),
            before.subarray(random.below(before.length)),
          ]);
      const [a, b] = [await stored(store, before), await stored(random.chance(50) ? store : other, after)];
      const shorter = Math.min(before.length, after.length);
      let same = 0;
      while (same < shorter && before[same] === after[same]) same++;
      const isSame = before.equals(after);
      const found = await firstDifference(a, b);
      assert.equal(found?.offset, isSame ? undefined : same, `seed ${seed}`);
      assert.equal(await sameBytes(a, b), isSame, `seed ${seed}`);
      const parts: Buffer[] = [];
      let from = 0;
      for await (const range of changedRanges(a, b)) {
        parts.push(before.subarray(from, range.before.start), after.subarray(range.after.start, range.after.start + range.after.size));
        from = range.before.start + range.before.size;
      }
      assert.ok(Buffer.concat([...parts, before.subarray(from)]).equals(after), `seed ${seed}`);
    }
  });
});

async function stored(store: MemoryStore, data: Buffer): Promise<SideFile> {
  const block = await storeContent(
    store,
    (async function* () {
      yield await Promise.resolve(data);
    })(),
  );
  return { side: { top: undefined, source: store }, path: at('/'), file: { kind: 'file', name: octets(''), meta: {}, block } };
}
