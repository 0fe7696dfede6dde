import assert from 'node:assert/strict';
import { test } from 'node:test';
import { displayWidths } from '../../../commands/parts/display-width.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { makeScratch } from '../../support/scratch.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';

/** Texts and the columns that a terminal gives them, by Unicode's tables of East Asian width and of emoji. */
const WIDTHS: readonly (readonly [text: string, width: number])[] = [
  ['plain-name.txt', 14],
  ['Übergröße', 9],
  ['u\u0308', 1],
  ['日本語', 6],
  ['ﾊﾝｶｸ', 4],
  ['한글', 4],
  ['👨‍👩‍👧.jpg', 6],
  ['🇩🇪', 2],
  ['soft\u00adhyphen', 10],
];

test('a text takes the columns that terminals give it', async () => {
  assert.deepEqual(
    await displayWidths(WIDTHS.map(([text]) => text)),
    WIDTHS.map(([, width]) => width),
  );
});

test('ls at a terminal shows names in as many columns as fit, and lines them up', async (t) => {
  const shell = await openShellHere({ home: makeScratch(t).folder, store: 'memory:', into: 'terminal' });
  const names = Array.from({ length: 40 }, (_, i) => `${'日本語👨‍👩‍👧'.slice(0, i % 4)}name-${String(i).padStart(2, '0')}`);
  await shell.run(octetsFromText(`mkdir ${names.join(' ')}`));
  const { stdout } = await shell.run('ls');
  const lines = stdout.toString().trimEnd().split('\n');
  assert.equal(lines.join(' ').split(/ +/).length, names.length);
  const starts = await Promise.all(
    lines.map(async (line) => await displayWidths([...line.matchAll(/(?<=^| {2})\S/gu)].map(({ index }) => line.slice(0, index)))),
  );
  const [first = []] = starts;
  assert.ok(first.length > 3, 'several columns');
  for (const columns of starts) assert.deepEqual(columns, first.slice(0, columns.length));
  assert.ok(Math.max(...(await displayWidths(lines))) <= 80);
  await shell[Symbol.asyncDispose]();
});
