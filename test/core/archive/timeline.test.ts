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

const cases: readonly (readonly [recorded: string, line: readonly number[], ahead: readonly number[], says: string])[] = [
  ['', [0], [], 'before all is the empty tree'],
  ['abc', [0, 1, 2, 3], [], 'each root is a state'],
  ['abcb', [0, 1, 2], [3], 'a return cuts the line back'],
  ['abcba', [0, 1], [2, 3], 'a second undo goes further back'],
  ['abca', [0, 1], [2, 3], 'an undo of two at once'],
  ['abcbd', [0, 1, 2, 5], [], 'a change after an undo goes on from there'],
  ['aab', [0, 1, 3], [], 'the same root again is no state of its own'],
  ['ab ', [0], [1, 2], 'an undo of all leads to the empty tree'],
  ['a b', [0, 3], [], 'and a change goes on from there'],
  ['abcbc', [0, 1, 2, 5], [], 'a redo of an undo'],
  ['abcab', [0, 1, 5], [3], 'a redo of one of two'],
  ['abcabc', [0, 1, 5, 6], [], 'a redo of both'],
  ['abcabcb', [0, 1, 5], [6], 'and an undo again'],
  ['abcac', [0, 1, 5], [], 'a state further ahead is a change'],
  ['abcb b', [0, 6], [], 'the line goes on from an undo of all'],
];

for (const [recorded, line, ahead, says] of cases) {
  test(`${says}: "${recorded}"`, async () => {
    const timeline = await timelineOf(archiveOf(recorded));
    assert.deepEqual(numbers(timeline.line), line);
    assert.deepEqual(numbers(timeline.ahead), ahead);
    assert.equal(timeline.newest?.number ?? 0, recorded.length);
  });
}

function numbers(entries: readonly ArchiveEntry[]): number[] {
  return entries.map(({ number }) => number);
}
