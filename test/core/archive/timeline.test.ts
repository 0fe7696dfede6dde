import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { timelineOf } from '../../../core/archive/timeline.ts';
import { octetsFromText } from '../../../core/base/octets.ts';

/** An archive of roots named by letters; a space is the empty tree. */
function archiveOf(letters: string) {
  const entries = [...letters].map((letter, index): ArchiveEntry => {
    const data = Buffer.from(letter.trim());
    return {
      number: index + 1,
      whenNs: BigInt(index),
      dirent: { kind: 'dir', name: octetsFromText(''), meta: {}, block: { kind: 'literal', span: data.length, data } },
    };
  });
  return {
    async *entries() {
      yield* entries;
    },
  };
}

const cases: readonly (readonly [recorded: string, numbers: readonly number[], says: string])[] = [
  ['', [0], 'before all is the empty tree'],
  ['abc', [0, 1, 2, 3], 'each root is a state'],
  ['abcb', [0, 1, 2], 'a return cuts the line back'],
  ['abcba', [0, 1], 'a second undo goes further back'],
  ['abca', [0, 1], 'an undo of two at once'],
  ['abcbd', [0, 1, 2, 5], 'a change after an undo goes on from there'],
  ['aab', [0, 1, 3], 'the same root again is no state of its own'],
  ['ab ', [0], 'an undo of all leads to the empty tree'],
  ['a b', [0, 3], 'and a change goes on from there'],
];

for (const [recorded, numbers, says] of cases) {
  test(`${says}: "${recorded}"`, async () => {
    assert.deepEqual(
      (await timelineOf(archiveOf(recorded))).map((entry) => entry.number),
      numbers,
    );
  });
}
