import assert from 'node:assert/strict';
import { test } from 'node:test';
import { octetsFromText } from '../../../core/base/octets.ts';
import type { ArchiveEntry } from '../../../core/tree/archive.ts';
import { timelineOf } from '../../../core/tree/timeline.ts';

/** An archive of roots named by letters. */
function archiveOf(letters: string) {
  const entries = [...letters].map((letter, index): ArchiveEntry => {
    const data = Uint8Array.of(letter.charCodeAt(0));
    return {
      number: index + 1,
      whenNs: BigInt(index),
      dirent: { kind: 'dir', name: octetsFromText('root'), meta: {}, block: { kind: 'literal', span: 1, data } },
    };
  });
  return {
    async *entries() {
      yield* entries;
    },
  };
}

const cases: readonly (readonly [recorded: string, numbers: readonly number[], says: string])[] = [
  ['', [], 'nothing recorded is no line'],
  ['abc', [1, 2, 3], 'each root is a state'],
  ['abcb', [1, 2], 'a return cuts the line back'],
  ['abcba', [1], 'a second undo goes further back'],
  ['abca', [1], 'an undo of two at once'],
  ['abcbd', [1, 2, 5], 'a change after an undo goes on from there'],
  ['aab', [1, 3], 'the same root again is no state of its own'],
];

for (const [recorded, numbers, says] of cases) {
  test(`${says}: "${recorded}"`, async () => {
    assert.deepEqual(
      (await timelineOf(archiveOf(recorded))).map((entry) => entry.number),
      numbers,
    );
  });
}
