import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ArchiveEntry } from '../../../core/archive/archive.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { STEP, stateAgain } from '../../../core/history/state-note.ts';
import { timelineOf } from '../../../core/history/timeline.ts';

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

/** Roots named by letters; `=N` behind one says that it is the state of entry N again (0 is what stands before all), otherwise it is new. */
function notedArchiveOf(text: string) {
  const words = text === '' ? [] : text.split(' ');
  const entries = words.map((word, index): ArchiveEntry => {
    const [letter = '', of] = word.split('=');
    const data = Buffer.from(letter === '_' ? '' : letter);
    return {
      number: index + 1,
      whenNs: BigInt(index + 1),
      dirent: { kind: 'dir', name: octetsFromText(''), meta: {}, block: { kind: 'literal', span: data.length, data } },
      notes: of === undefined ? STEP : stateAgain(BigInt(of)),
    };
  });
  return {
    async *entries() {
      yield* entries;
    },
  };
}

const notedCases: readonly (readonly [recorded: string, line: readonly number[], ahead: readonly number[], says: string])[] = [
  ['a b c', [0, 1, 2, 3], [], 'each new root is a state'],
  ['a b c b=2', [0, 1, 2], [3], 'an undo cuts the line back'],
  ['a b c b', [0, 1, 2, 3, 4], [], 'a return by hand is a step'],
  ['a b a c a=3', [0, 1, 2, 3], [4], 'an undo of it goes to the nearer of two equal states'],
  ['a b a a=1', [0, 1], [2, 3], 'and an undo of two to the further'],
  ['a b c b=2 a=1', [0, 1], [2, 3], 'a second undo goes further back'],
  ['a b c b=2 a=1 c=3', [0, 1, 2, 3], [], 'a redo of two goes forward over both'],
  ['a b c b=2 a=4', [0, 1, 2, 5], [], 'what was never a state of that root is a step'],
  ['a b b=2', [0, 1, 2], [], 'a state that stands already stays'],
  ['a b a=1 b', [0, 1, 4], [], 'what is made by hand again is no redo'],
  ['a b a=1 b=2 a=3', [0, 1], [2], 'an entry of a return names the state that it is'],
  ['a b _=0', [0], [1, 2], 'an undo of all leads to the empty tree'],
  ['a b _=0 _', [0, 4], [], 'the empty tree by hand is a step'],
  ['a b a=1 c a=1', [0, 1], [4], 'what was dropped by a change is ahead no more'],
  ['a b a=1 c b=2', [0, 1, 4, 5], [], 'undo @N to what was dropped is a step'],
  ['a b a=1 c d c=4 b=2', [0, 1, 4, 7], [], 'also where something else is ahead'],
];

for (const [recorded, line, ahead, says] of notedCases) {
  test(`with notes, ${says}: "${recorded}"`, async () => {
    const timeline = await timelineOf(notedArchiveOf(recorded));
    assert.deepEqual(numbers(timeline.line), line);
    assert.deepEqual(numbers(timeline.ahead), ahead);
  });
}

test('entries of an earlier version, without notes, go on into those with notes', async () => {
  const timeline = await timelineOf({
    async *entries() {
      yield* archiveOf('abcb').entries();
      for await (const entry of notedArchiveOf('x x x x b').entries()) if (entry.number === 5) yield entry;
    },
  });
  assert.deepEqual(numbers(timeline.line), [0, 1, 2, 5]);
});

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

const forgottenCases: readonly (readonly [recorded: string, gone: readonly number[], line: readonly number[], says: string])[] = [
  ['a b a=1 c', [3], [0, 1, 4], 'a state that was undone stays so without the line of the undo'],
  ['a b a=1 c', [1], [0, 3, 4], 'a state whose first line is gone is that of the return'],
  ['a b c d', [2, 3], [0, 1, 4], 'a state that is gone is none to go to'],
  ['a b c d', [1, 2], [3, 4], 'the tree was not empty before the first that is left'],
  ['a b c b=2 c=3', [2, 3, 4], [0, 1, 5], 'nor is one by the line of a redo'],
];

for (const [recorded, gone, line, says] of forgottenCases) {
  test(`of what was forgotten, ${says}: "${recorded}" without ${gone.join(', ')}`, async () => {
    const { newest, ...timeline } = await timelineOf({
      async *entries({ withForgotten = false } = {}) {
        for await (const entry of notedArchiveOf(recorded).entries()) {
          if (!gone.includes(entry.number)) yield entry;
          else if (withForgotten) yield { ...entry, isForgotten: true };
        }
      },
    });
    assert.deepEqual(numbers(timeline.line), line);
    assert.equal(newest?.number, recorded.split(' ').length);
  });
}
