import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { skipReference } from '../../../core/dirent/reference-skip.ts';
import { LineJoiner, MAX_WORDS, parseLine, parseOpenLine } from '../../../shell/line/line.ts';
import { quoteWord } from '../../../shell/line/quote.ts';
import { LineError } from '../../../shell/line/word.ts';

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
  {
    name: "$'…' has what bash's printf %q writes",
    line: String.raw`ls $'\303\244\E\v\f\0\1a\?'`,
    words: [['ls', '\xc3\xa4\x1b\v\f\0\x01a\\?']],
  },
  { name: 'a newline in quotes belongs to the word', line: `ls 'a\nb' "c\nd"; pwd`, words: [['ls', 'a\nb', 'c\nd'], ['pwd']] },
  { name: 'a newline in quotes of a local command is its own', line: "!echo 'a\nb'\npwd", words: [['!', "echo 'a\nb'"], ['pwd']] },
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
  test(`a line: ${name}`, () => assert.deepEqual(wordsOf(line), words));
}

const FAULTS: readonly { readonly line: string; readonly column: number; readonly says: RegExp }[] = [
  { line: "ls 'a", column: 4, says: /unfinished single quote/ },
  { line: 'ls é "a', column: 6, says: /unfinished double quote/ },
  { line: "pwd\nls 'a\nb", column: 4, says: /unfinished single quote, at line 2, column 4/ },
  { line: String.raw`ls $'\q'`, column: 6, says: /unknown escape/ },
  { line: 'ls \\', column: 4, says: /nothing after/ },
  { line: 'ls & & pwd', column: 6, says: /no command before "&"/ },
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
  test(`a line at fault names its column: ${JSON.stringify(line)}`, () => {
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

test('a line: what joins commands, pipes and redirections', () => {
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

test('any octets, quoted, are one word again, on one printable line', () => {
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

const JOINED: readonly {
  readonly name: string;
  readonly lines: readonly string[];
  readonly whole: readonly string[];
  readonly held: string;
}[] = [
  { name: 'lines without quotes', lines: ['a', 'b'], whole: ['a', 'b'], held: '' },
  { name: 'a quote over lines', lines: ["a 'b", 'c', "d' e", 'f'], whole: ["a 'b\nc\nd' e", 'f'], held: '' },
  { name: 'one quote after another', lines: ["a 'b", `c' "d`, 'e" f'], whole: [`a 'b\nc' "d\ne" f`], held: '' },
  { name: 'an apostrophe in a comment', lines: ["# it's", 'a'], whole: ["# it's", 'a'], held: '' },
  { name: 'an apostrophe in a reference', lines: [`open D{name:"it's"}`, 'a'], whole: [`open D{name:"it's"}`, 'a'], held: '' },
  { name: 'the quote of a local command', lines: ["ls | sed 's/a/", "b/'; pwd"], whole: ["ls | sed 's/a/\nb/'; pwd"], held: '' },
  { name: 'a target in quotes', lines: ['ls > "a', 'b"'], whole: ['ls > "a\nb"'], held: '' },
  { name: 'a fault is for the parser', lines: ["& 'a", 'b'], whole: ["& 'a", 'b'], held: '' },
  { name: 'a quote without an end', lines: ['a', "b 'c", 'd'], whole: ['a'], held: "b 'c\nd" },
];

for (const { name, lines, whole, held } of JOINED) {
  test(`lines that are one: ${name}`, () => {
    const joiner = new LineJoiner(skipReference);
    assert.deepEqual(
      lines.flatMap((line) => joiner.take(octetsFromText(line)) ?? []),
      whole,
    );
    assert.equal(joiner.isOpen, held !== '');
    assert.equal(joiner.drop(), held);
  });
}

test('lines that are one: any word in any quotes comes through as it is, whatever newlines are in it', () => {
  const inQuotes = fc.oneof(
    awkward.map((octets) => ({ octets, text: `'${octets.replaceAll("'", `'"'"'`)}'` })),
    awkward.map((octets) => ({ octets, text: `"${octets.replace(/[\\"]/g, '\\$&')}"` })),
  );
  fc.assert(
    fc.property(fc.array(inQuotes, { minLength: 1, maxLength: 4 }), (words) => {
      const joiner = new LineJoiner(skipReference);
      const text = `cmd ${words.map((word) => word.text).join(' ')}`;
      const wholes = text.split('\n').flatMap((line) => joiner.take(line as Octets) ?? []);
      assert.deepEqual(wholes, [text]);
      const [command] = parseLine(text as Octets, skipReference);
      assert.deepEqual(
        command?.words.slice(1).map((word) => word.text),
        words.map(({ octets }) => octets),
      );
    }),
    { numRuns: 1000 },
  );
});

test('100,000 lines in one quote, and 20,000 words with a newline each, are put together in linear time', () => {
  const joiner = new LineJoiner(skipReference);
  for (const line of ["ls 'a", ...Array.from({ length: 100_000 }, () => 'x'.repeat(50))])
    assert.equal(joiner.take(line as Octets), undefined);
  assert.equal(joiner.take("b'" as Octets)?.length, 5 + 51 * 100_000 + 3);
  assert.equal(joiner.take("stat 'a" as Octets), undefined);
  for (let i = 0; i < 20_000; i++) assert.equal(joiner.take(`b' 'a` as Octets), undefined);
  assert.equal(parseLine(joiner.take("b'" as Octets) ?? ('' as Octets), skipReference)[0]?.words.length, 20_002);
});

test('no text makes the parser fail in another way than by a LineError, nor the one for unfinished lines loop', () => {
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

test('a line has a largest number of words, whatever commands they are of', () => {
  for (const word of ['a ', 'a;']) {
    const line = octetsFromText(word.repeat(MAX_WORDS));
    assert.equal(
      parseLine(line, skipReference).reduce((sum, { words }) => sum + words.length, 0),
      MAX_WORDS,
      word,
    );
    assert.throws(
      () => parseLine(`${line}b` as Octets, skipReference),
      (error) => error instanceof LineError && /more than 131,072 words/.test(error.message),
    );
  }
});
