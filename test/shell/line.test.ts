import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText } from '../../core/base/octets.ts';
import { skipReference } from '../../core/dirent/reference-skip.ts';
import { parseLine, parseOpenLine } from '../../shell/line.ts';
import { quoteWord } from '../../shell/quote.ts';
import { LineError } from '../../shell/word.ts';

interface Row {
  readonly name: string;
  readonly line: string;
  /** Each command's words; a glob character that is quoted has a `\` before it. */
  readonly words: readonly (readonly string[])[];
}

function wordsOf(line: string): string[][] {
  return parseLine(octetsFromText(line), skipReference).map(({ words }) =>
    words.map(({ text, quoted }) => [...text].map((char, i) => (/[*?[\]]/.test(char) && quoted[i] === 1 ? `\\${char}` : char)).join('')),
  );
}

const ROWS: readonly Row[] = [
  { name: 'words are split at blanks', line: '  ls  -l\ta ', words: [['ls', '-l', 'a']] },
  { name: 'an empty line is no command', line: '   ', words: [] },
  { name: 'single quotes keep everything', line: `ls 'a "b" \\ $x'`, words: [['ls', 'a "b" \\ $x']] },
  { name: 'double quotes expand nothing', line: 'ls "$HOME `x` \\n \\" \\\\"', words: [['ls', '$HOME `x` \\n " \\']] },
  { name: 'a backslash quotes one character', line: 'ls a\\ b\\;c', words: [['ls', 'a b;c']] },
  { name: 'quotes join to one word', line: `ls a'b'"c"d`, words: [['ls', 'abcd']] },
  { name: 'empty quotes are an empty word', line: 'ls \'\' ""', words: [['ls', '', '']] },
  { name: "$'…' has escapes", line: String.raw`ls $'a\n\t\x41\xff\'\\'`, words: [['ls', "a\n\tA\xff'\\"]] },
  { name: 'a dollar is itself elsewhere', line: 'ls $a a$', words: [['ls', '$a', 'a$']] },
  { name: 'globs know whether they are quoted', line: `ls *.c '*.d' a\\*b "x"*`, words: [['ls', '*.c', '\\*.d', 'a\\*b', 'x*']] },
  { name: 'a comment starts where a word could', line: 'ls a#b # c; d', words: [['ls', 'a#b']] },
  { name: '; and newline separate', line: 'a; b\nc;;d', words: [['a'], ['b'], ['c'], ['d']] },
  { name: 'a carriage return before the newline is blank', line: 'a\r\nb', words: [['a'], ['b']] },
  {
    name: '- and @ before a name are prefixes',
    line: '-@ls -l; @-a @b',
    words: [
      ['ls', '-l'],
      ['a', '@b'],
    ],
  },
  {
    name: '! takes a local command',
    line: "!ls -l | wc; b; !echo 'x;y' && c",
    words: [['!', 'ls -l | wc'], ['b'], ['!', "echo 'x;y'"], ['c']],
  },
  { name: '! alone is a word', line: '!', words: [['!']] },
  {
    name: 'a Dirref is one word',
    line: `bind x D{name:"a ' b;c",block:B{hash:H{sha1:00},span:1}} y`,
    words: [['bind', 'x', `D{name:"a ' b;c",block:B{hash:H{sha1:00},span:1}}`, 'y']],
  },
  { name: 'a literal block is one word', line: 'cat LB{[a{b]} LB{6869}', words: [['cat', 'LB{\\[a{b\\]}', 'LB{6869}']] },
  { name: 'a URI is one word', line: 'open x-vt://host:1/D%7B%7D/a#b x', words: [['open', 'x-vt://host:1/D%7B%7D/a#b', 'x']] },
  { name: 'braces that are no reference are characters', line: 'ls {a,b} x}', words: [['ls', '{a,b}', 'x}']] },
  { name: 'a word may be long', line: `ls ${'x'.repeat(200_000)}`, words: [['ls', 'x'.repeat(200_000)]] },
];

for (const { name, line, words } of ROWS) {
  test(`S12: a line: ${name}`, () => assert.deepEqual(wordsOf(line), words));
}

const FAULTS: readonly { readonly line: string; readonly column: number; readonly says: RegExp }[] = [
  { line: "ls 'a", column: 4, says: /unfinished single quote/ },
  { line: 'ls é "a', column: 6, says: /unfinished double quote/ },
  { line: "ls 'a\nb'", column: 4, says: /unfinished single quote/ },
  { line: String.raw`ls $'\q'`, column: 6, says: /unknown escape/ },
  { line: 'ls \\', column: 4, says: /nothing after/ },
  { line: 'ls & pwd', column: 4, says: /unexpected "&"/ },
  { line: '&& ls', column: 1, says: /no command before "&&"/ },
  { line: 'ls &&', column: 6, says: /no command after "&&"/ },
  { line: 'ls || ; a', column: 7, says: /no command before ";"/ },
  { line: '> f', column: 1, says: /no command before ">"/ },
  { line: 'ls >', column: 4, says: /no file after ">"/ },
  { line: 'ls > a > b', column: 8, says: /second ">"/ },
  { line: 'ls |', column: 4, says: /no local command/ },
  { line: "ls | grep 'a", column: 4, says: /unfinished quote in a local command/ },
  { line: '- ', column: 1, says: /prefix without a command/ },
];

for (const { line, column, says } of FAULTS) {
  test(`S12: a line at fault names its column: ${JSON.stringify(line)}`, () => {
    assert.throws(
      () => wordsOf(line),
      (error) => {
        assert.ok(error instanceof LineError);
        assert.match(error.message, says);
        assert.equal(error.column, column, error.message);
        assert.equal(error.code, 'EUSAGE');
        return true;
      },
    );
  });
}

test('S12: a line: what joins commands, pipes and redirections', () => {
  const [first, second, third, fourth] = parseLine(
    octetsFromText("cat a | grep x | wc -l > n && ls > 'out file'; -rm b || @ls >> log"),
    skipReference,
  );
  assert.equal(first?.pipe, 'grep x | wc -l > n');
  assert.equal(second?.joinedBy, '&&');
  assert.deepEqual([second?.redirect?.append, second?.redirect?.target.text], [false, 'out file']);
  assert.deepEqual([third?.ignoreError, third?.quiet, third?.joinedBy], [true, false, ';']);
  assert.deepEqual([fourth?.ignoreError, fourth?.quiet, fourth?.joinedBy, fourth?.redirect?.append], [false, true, '||', true]);
});

const anyOctets = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes).toString('latin1') as Octets);
const awkward = fc
  .array(
    fc.constantFrom(
      "'",
      '"',
      '\\',
      '$',
      "$'",
      ' ',
      '\n',
      '\t',
      '\0',
      '#',
      '!',
      '-',
      '@',
      '~',
      '*',
      '[',
      '{',
      '}',
      'D{',
      'x-vt:',
      'LB{',
      '\x1b[31m',
      '\xff',
      '\xc3\xa9',
      '\xe2\x80\xae',
      ';',
      '&',
      '|',
      '>',
      '<',
      '(',
      '`',
      'a',
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join('') as Octets);

test('S12: any octets, quoted, are one word again, on one printable line', () => {
  fc.assert(
    fc.property(fc.oneof(anyOctets, awkward), (octets) => {
      const text = quoteWord(octets);
      // biome-ignore lint/suspicious/noControlCharactersInRegex: that none is there is what is tested
      assert.doesNotMatch(text, /[\x00-\x1f\x7f-\x9f\u202a-\u202e]/);
      const [command, ...more] = parseLine(octetsFromText(`cmd ${text} end`), skipReference);
      assert.equal(more.length, 0);
      assert.deepEqual(
        command?.words.map((word) => word.text),
        ['cmd', octets, 'end'],
      );
      assert.ok(![...octets].some((char, i) => /[*?[]/.test(char) && command?.words[1]?.quoted[i] === 0));
    }),
    { numRuns: 2000 },
  );
});

test('S12: no text makes the parser fail in another way than by a LineError, nor the one for unfinished lines loop', () => {
  fc.assert(
    fc.property(fc.oneof(anyOctets, awkward), (octets) => {
      for (const parse of [parseLine, parseOpenLine]) {
        try {
          parse(octets, skipReference);
        } catch (error) {
          assert.ok(error instanceof LineError);
        }
      }
    }),
    { numRuns: 2000 },
  );
});
