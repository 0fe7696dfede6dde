import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseMode } from '../../commands/parts/mode.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToBytes } from '../../core/base/octets.ts';
import type { GlobSide } from '../../shell/line/glob.ts';
import { expandGlob } from '../../shell/line/glob.ts';
import { parseLine } from '../../shell/line/line.ts';
import { PASTED_NEWLINE, tamePaste } from '../../shell/line/paste.ts';
import { quoteCandidates } from '../../shell/line/quote-candidates.ts';
import { encodeText, rawName, safeMessage, terminalName, wantsColour } from '../../shell/output/output.ts';

/** A side of paths; those that end in `/` are Dirs. */
function sideOf(...paths: readonly string[]): GlobSide {
  return {
    async *list(folder) {
      const start = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
      for (const path of paths) {
        if (!path.startsWith(start)) continue;
        const rest = path.slice(start.length);
        const isDir = rest.endsWith('/');
        const name = isDir ? rest.slice(0, -1) : rest;
        if (name !== '' && !name.includes('/')) yield { name: name as Octets, isDir };
      }
    },
    exists: async (path) => paths.some((known) => known === path || known === `${path}/`),
  };
}

const SIDE = sideOf(
  'a.txt',
  'b.txt',
  '.hidden',
  'star*',
  'dir/',
  'dir/x.txt',
  'dir/deep/',
  'dir/deep/y.txt',
  'other/',
  'other/x.txt',
  '/abs/',
  '/abs/z',
  'caf\xc3\xa9',
);

const GLOBS: readonly { readonly word: string; readonly gives: readonly string[] }[] = [
  { word: '*.txt', gives: ['a.txt', 'b.txt'] },
  { word: '?.txt', gives: ['a.txt', 'b.txt'] },
  { word: '[b-z].txt', gives: ['b.txt'] },
  { word: '[!a].txt', gives: ['b.txt'] },
  { word: '*/x.txt', gives: ['dir/x.txt', 'other/x.txt'] },
  { word: 'd*/*/y*', gives: ['dir/deep/y.txt'] },
  { word: '*/', gives: ['dir/', 'other/'] },
  { word: '.h*', gives: ['.hidden'] },
  { word: '/abs/*', gives: ['/abs/z'] },
  { word: "star'*'*", gives: ['star*'] },
  { word: 'caf?', gives: ['caf\xc3\xa9'] },
];

for (const { word, gives } of GLOBS) {
  test(`${word} stands for ${gives.length} names`, async () => {
    const parsed = parseLine(octetsFromText(`ls ${word}`), () => undefined)[0]?.words[1];
    assert.ok(parsed !== undefined);
    assert.deepEqual(await expandGlob(parsed, SIDE), gives);
  });
}

test('a pattern without a match is an error that names it', async () => {
  const word = parseLine(octetsFromText('ls *.none'), () => undefined)[0]?.words[1];
  assert.ok(word !== undefined);
  await assert.rejects(expandGlob(word, SIDE), /\*\.none/);
});

test('names go to a pipe as they are, whatever their octets', () => {
  for (const name of ['plain', 'caf\xc3\xa9', 'bad\xff\xfe', 'mixed\xc3\xa9\xff', 'a\nb', '\xed\xa0\x80', '\xf0\x9f\x98\x80']) {
    assert.deepEqual(Buffer.from(encodeText(rawName(name as Octets))), octetsToBytes(name as Octets), JSON.stringify(name));
  }
});

test('names go to a terminal without anything that it would obey', () => {
  assert.equal(terminalName(octetsFromText('plain name')), 'plain name');
  assert.equal(terminalName(octetsFromText('café')), 'café');
  assert.equal(terminalName('a\x1b[31mb' as Octets), String.raw`$'a\e[31mb'`);
  assert.equal(terminalName('a\nb\xff' as Octets), String.raw`$'a\nb\xff'`);
  assert.equal(terminalName('\xc2\x9b31m' as Octets), String.raw`$'\xc2\x9b31m'`);
  assert.equal(terminalName(octetsFromText('a\u202eb')), String.raw`$'a\xe2\x80\xaeb'`);
});

test('messages are one line, without control characters', () => {
  assert.equal(safeMessage('a\nb\x1b[2J\u009b'), String.raw`a\nb\x1b[2J\x9b`);
});

test('colours: --color, NO_COLOR, TERM=dumb', () => {
  assert.equal(wantsColour('auto', true, { TERM: 'xterm' }), true);
  assert.equal(wantsColour('auto', false, { TERM: 'xterm' }), false);
  assert.equal(wantsColour('auto', true, { TERM: 'xterm', NO_COLOR: '1' }), false);
  assert.equal(wantsColour('auto', false, { TERM: 'dumb', CLICOLOR_FORCE: '1' }), true);
  assert.equal(wantsColour('auto', false, { CLICOLOR_FORCE: '0' }), false);
  assert.equal(wantsColour('auto', true, { CLICOLOR_FORCE: '1', NO_COLOR: '1' }), false);
  assert.equal(wantsColour('auto', true, { TERM: 'xterm', CLICOLOR: '0' }), false);
  assert.equal(wantsColour('auto', true, { TERM: 'xterm', NO_COLOR: '' }), true);
  assert.equal(wantsColour('auto', true, { TERM: 'dumb' }), false);
  assert.equal(wantsColour('always', false, { NO_COLOR: '1', TERM: 'dumb' }), true);
  assert.equal(wantsColour('never', true, {}), false);
});

test('pasted newlines wait to be seen, those at the end go, and control characters do nothing', () => {
  assert.equal(tamePaste('rm a\r\nrm b\n'), `rm a${PASTED_NEWLINE}rm b`);
  assert.equal(tamePaste('a\tb\x1b[31mc\x03'), 'a b[31mc');
});

test('completion quotes all candidates in one way, closes a single one, and leaves a Dir open', () => {
  const of = (text: string, isOpen = false) => ({ text: octetsFromText(text), isOpen });
  assert.deepEqual(quoteCandidates([of('plain')], undefined), ['plain ']);
  assert.deepEqual(quoteCandidates([of('dir/', true)], undefined), ['dir/']);
  assert.deepEqual(quoteCandidates([of('my file')], undefined), [String.raw`my\ file `]);
  assert.deepEqual(quoteCandidates([of('my dir/', true)], undefined), [String.raw`my\ dir/`]);
  assert.deepEqual(quoteCandidates([of('my a'), of("my'b")], undefined), [String.raw`my\ a`, String.raw`my\'b`]);
  assert.deepEqual(quoteCandidates([of('~'), of('@1')], undefined), [String.raw`\~`, String.raw`\@1`]);
  assert.deepEqual(quoteCandidates([{ ...of('~'), after: 2 }], undefined), ['~ ']);
  assert.deepEqual(quoteCandidates([of('a b')], '"'), ['a b" ']);
  assert.deepEqual(quoteCandidates([of('a"b')], '"'), [String.raw`a\"b" `]);
  assert.deepEqual(quoteCandidates([of("a'b")], "'"), [String.raw`a'\''b' `]);
  assert.deepEqual(quoteCandidates([of('a b/', true)], "'"), ['a b/']);
  assert.deepEqual(quoteCandidates([of('a\nb')], undefined), [String.raw`$'a\nb' `]);
  assert.deepEqual(quoteCandidates([of('a\nb/', true), of('plain')], undefined), [String.raw`$'a\nb'/`, 'plain']);
});

const MODES: readonly { readonly change: string; readonly from: number; readonly to: number; readonly isDir?: boolean }[] = [
  { change: '0640', from: 0o777, to: 0o640 },
  { change: '6755', from: 0, to: 0o6755 },
  { change: 'u+x', from: 0o644, to: 0o744 },
  { change: 'go-rwx', from: 0o755, to: 0o700 },
  { change: 'a=r', from: 0o755, to: 0o444 },
  { change: '+x', from: 0o644, to: 0o755 },
  { change: 'u=rwX,g=u', from: 0o644, to: 0o664 },
  { change: 'a+X', from: 0o600, to: 0o711, isDir: true },
  { change: 'a+X', from: 0o600, to: 0o600 },
  { change: 'g+s', from: 0o755, to: 0o2755 },
  { change: 'u+s,+t', from: 0o755, to: 0o5755 },
  { change: 'g=rx', from: 0o2775, to: 0o2755, isDir: true },
];

for (const { change, from, to, isDir = false } of MODES) {
  test(`chmod ${change} of ${from.toString(8)}${isDir ? ' (Dir)' : ''} is ${to.toString(8)}`, () =>
    assert.equal(parseMode(change)(from, isDir).toString(8), to.toString(8)));
}

for (const bad of ['', '9', '88', 'u', 'u+q', 'x+r', '07777777', 'u+r,']) {
  test(`chmod refuses "${bad}"`, () => assert.throws(() => parseMode(bad), /change mode/));
}
