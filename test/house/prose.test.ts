import assert from 'node:assert/strict';
import test from 'node:test';
import { sentencesOfComments } from '../../scripts/sentences.ts';

test('sentences of comments: lines that follow each other are one text, tags begin another, code and the linter say nothing', () => {
  const source = `
/**
 * Reads a file. What it reads is
 * {@link Verified}; see \`read.ts\`.
 *
 * - first of a list
 * - second
 *
 *     const indented = code;
 *
 * @param path - where it is. It may be relative @returns its octets
 * @throws {RangeError} for none
 */
function read(path: string): void {
  // One text
  // in two lines.
  const first = path; // Behind code.

  // Another one.
  // biome-ignore lint/suspicious/noConsole: not read
  const text = \`// no comment\`;
  const pattern = /\\/\\/ nor this/;
}
`;
  assert.deepEqual(sentencesOfComments(source), [
    'Reads a file.',
    'What it reads is Verified; see code.',
    'first of a list',
    'second',
    'where it is.',
    'It may be relative',
    'its octets',
    'for none',
    'One text in two lines.',
    'Behind code.',
    'Another one.',
  ]);
});
