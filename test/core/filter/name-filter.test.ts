import assert from 'node:assert/strict';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import type { FilterWord } from '../../../core/filter/name-filter.ts';
import { NameFilter } from '../../../core/filter/name-filter.ts';
import { makeRandom } from '../../support/random.ts';
import { ownSelection, rsyncSelection } from '../../support/rsync/rsync-selection.ts';
import { makeScratch } from '../../support/scratch.ts';

/** Words as they stand on a command line: `-x P` for exclude, `-i P` for include, anything else is a rule. */
function wordsOf(lines: readonly string[]): FilterWord[] {
  return lines.map((line) => {
    const kind = line.startsWith('-x ') ? 'exclude' : line.startsWith('-i ') ? 'include' : 'filter';
    return { kind, value: (kind === 'filter' ? line : line.slice(3)) as Octets };
  });
}

function makeFiles(folder: string, files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(dirname(join(folder, file)), { recursive: true });
    writeFileSync(join(folder, file), '');
  }
}

const FILES = [
  ...['top.c', 'top.o', '.hidden', 'core', 'x y', '[odd]', 'back\\slash', 'foo/bar/baz.c', 'foo/bar.o', 'foo/foo/bar/deep/bar'],
  ...['src/a.c', 'src/a.o', 'src/build/out', 'src/lib/build/out', 'build/out', 'docs/build', 'docs/a/b/c/d.txt', 'é/ü.txt'],
];

const TABLE: readonly (readonly [name: string, rules: readonly string[], files?: Readonly<Record<string, string>>])[] = [
  ['a suffix', ['- *.o']],
  ['the first rule that matches counts', ['+ top.o', '- *.o']],
  ['only Dirs', ['- build/']],
  ['files and Dirs', ['- build']],
  ['anchored at the top', ['- /build']],
  ['the last two elements', ['- foo/bar']],
  ['a Dir and all below', ['- foo/***']],
  ['all below a Dir', ['- foo/**']],
  ['two or more levels below', ['- /foo/**/bar']],
  ['stars at the start match at the top, too', ['- **/build']],
  ['anchored stars do not match at the top', ['- /**/build']],
  ['a star in the middle', ['- s*c/b*d']],
  ['one level', ['- foo/*/bar']],
  ['all Dirs and C sources alone', ['+ */', '+ *.c', '- *']],
  ['one file alone, with the Dirs that lead to it', ['+ /foo/', '+ /foo/bar/', '+ /foo/bar/baz.c', '- *']],
  ['all that is no Dir', ['-! */']],
  ['an underscore for the space', ['-_*.o']],
  ['long names and modifiers', ['exclude,! *.c', 'include *']],
  ['hide and show', ['S top.o', 'hide *.o']],
  ['all is cleared', ['- *', '!', '- *.o']],
  ['include and exclude', ['-i top.o', '-x *.o']],
  ['prefixes in exclude', ['-x + top.o', '-x *.o']],
  ['exclude clears', ['-x *', '-x !', '-x *.c']],
  ['classes', ['- [[:upper:][:punct:]]*', '- [^a-s]op.[co]']],
  ['a bracket that is quoted', ['- \\[odd\\]*']],
  ['a backslash without wildcards is itself', ['- back\\slash']],
  ['a backslash with wildcards quotes', ['- back\\\\slas?']],
  ['a bracket that does not close', ['- [odd']],
  ['an octet of a longer character', ['- ?.txt', '- ??']],
  ['hidden names are like any other', ['- *idden']],
  ['a space in a name', ['- x y']],
  ['names that CVS ignores', ['-C']],
  ['a file in each Dir', [': .rules'], { '.rules': '- *.o\n', 'src/.rules': '+ a.o\n# comment\n\n; too\n- /build\n' }],
  ['files that hold in their Dir alone', [':n .rules'], { '.rules': '- *.o\n', 'src/.rules': '- build\n' }],
  ['files that exclude themselves', [':e .rules'], { 'src/.rules': '- build\n' }],
  ['files of patterns', [':- .rules'], { '.rules': '*.o\nbuild/\n' }],
  ['files of words', ['dir-merge,w .rules'], { '.rules': '-_*.o +_src\n-_s*' }],
  ['words that are torn', ['dir-merge,w .rules'], { '.rules': '- *.o' }],
  ['files that clear what was above', [': .rules'], { '.rules': '- *.o\n', 'src/.rules': '!\n- *.c\n' }],
  ['rules before the files', ['+ a.o', ': .rules', '- top.c'], { '.rules': '- *.o\n+ top.c\n' }],
  ['files that name others', [': .rules'], { '.rules': ': .more\n. .one\n', '.one': '- core\n', 'src/.more': '- build\n' }],
  ['names that CVS ignores in a Dir', [':C'], { 'src/.cvsignore': 'build *.c\n', '.cvsignore': 'core' }],
  ['a merge with a default', [':/- .rules'], { 'src/.rules': '*.o\n' }],
  ['the absolute path has no slash in front for what is not anchored', ['-/ \\/***', '+/ **/top.*', '- *.o']],
  ['an unknown rule', ['what is this']],
  ['an unknown modifier', ['-q x']],
  ['no pattern', ['- ']],
  ['a merge of what is not there', ['. /nowhere/at/all']],
];

test('a table of rules selects what rsync selects', (t) => {
  const scratch = makeScratch(t);
  for (const [name, rules, files = {}] of TABLE) {
    const folder = scratch.mkdir('tree');
    makeFiles(folder, FILES);
    for (const [path, text] of Object.entries(files)) writeFileSync(join(folder, path), text);
    const words = wordsOf(rules);
    assert.deepEqual(ownSelection(folder, words), rsyncSelection(folder, words), name);
    rmSync(folder, { recursive: true });
  }
});

test('rules in files that options name select what rsync selects', (t) => {
  const scratch = makeScratch(t);
  const folder = scratch.mkdir('tree');
  makeFiles(folder, FILES);
  writeFileSync(scratch.path('patterns'), '# what to leave\n+ top.o\n; and\n*.o\n\nbuild/\n');
  writeFileSync(scratch.path('cleared'), '*\n!\n*.c\n');
  writeFileSync(scratch.path('rules'), `merge,- ${scratch.path('patterns')}\n+ *.c\r\n- src/**\n`);
  const cases: FilterWord[][] = [
    [{ kind: 'exclude-from', value: scratch.path('patterns') as Octets }],
    [
      { kind: 'include-from', value: scratch.path('patterns') as Octets },
      { kind: 'exclude', value: '*' as Octets },
    ],
    [
      { kind: 'exclude', value: 'top.o' as Octets },
      { kind: 'exclude-from', value: scratch.path('cleared') as Octets },
    ],
    [{ kind: 'filter', value: `. ${scratch.path('rules')}` as Octets }],
    [{ kind: 'filter', value: `merge,e ${scratch.path('rules')}` as Octets }],
    [{ kind: 'exclude-from', value: scratch.path('nowhere') as Octets }],
  ];
  for (const words of cases) assert.deepEqual(ownSelection(folder, words), rsyncSelection(folder, words), JSON.stringify(words));
});

const PIECES = [
  'a',
  'b',
  'c',
  '*',
  '**',
  '/',
  '?',
  '[ab]',
  '[!a]',
  '/***',
  '[[:alpha:]]',
  '\\',
  ']',
  '[^]]',
  '[',
  '[]a]',
  '.',
  '[b-]',
] as const;

test('rules at random, in options and in files of each Dir, select what rsync selects', (t) => {
  const seed = Math.floor(Math.random() * 2 ** 32);
  t.diagnostic(`seed ${seed}`);
  const random = makeRandom(seed);
  const folder = makeScratch(t).mkdir('tree');
  const dirs = ['', 'a', 'a/b', 'a/b/a', 'b', 'ab', 'b/a'];
  makeFiles(
    folder,
    dirs.flatMap((dir) => ['c', 'ab.c', 'bc', 'a]', 'b\\c'].map((name) => join(dir, name))).filter((path) => !dirs.includes(path)),
  );
  const pattern = (): string => Array.from({ length: 1 + random.below(4) }, () => random.pick(PIECES)).join('');
  const rule = (): string =>
    `${random.pick(['- ', '- ', '- ', '+ ', '-! ', '+! ', '-/ ', '-_', 'exclude ', 'include,! ', 'hide ', 'S ', '-s '])}${pattern()}`;
  for (let round = 0; round < 60; round++) {
    const more = random.pick([[], [': .f'], [':n .f'], [':e .g'], [':- .w'], [':w+ .w'], [':/ .f', ':n- .w'], [': /.g']]);
    // With n, rsync forgets in Dirs further down what a file has named, and that it did.
    const lines = more.some((rule) => rule.startsWith(':n')) ? (['!', '# x', ';', ''] as const) : (['!', ': .g', '# x', ';', ''] as const);
    const files: string[] = [];
    for (const path of dirs.flatMap((dir) => ['.f', '.g', '.w'].map((name) => join(folder, dir, name)))) {
      rmSync(path, { force: true });
      if (!random.chance(35)) continue;
      const line = (): string => (path.endsWith('.w') ? pattern() : random.chance(15) ? random.pick(lines) : rule());
      const text = Array.from({ length: 1 + random.below(3) }, line).join('\n');
      writeFileSync(path, text);
      files.push(path, text);
    }
    const rules = [...Array.from({ length: 1 + random.below(3) }, () => (random.chance(20) ? `-x ${pattern()}` : rule())), ...more];
    const words = wordsOf(random.chance(50) ? rules : rules.reverse());
    assert.deepEqual(ownSelection(folder, words), rsyncSelection(folder, words), JSON.stringify({ seed, round, rules, files }));
  }
});

test('files of rules that are looked for from the root on are found above the top', () => {
  const files: Readonly<Record<string, string>> = { '/.r': '- /home/x', '/home/.r': '- *.o\n- /me/b', '/home/me/.r': '+ c.o' };
  const filter = new NameFilter(wordsOf([': /.r']), { read: () => undefined });
  const top = filter.at('/home/me' as Octets, (path) => files[path] as Octets | undefined);
  assert.deepEqual(
    ['a.o', 'b', 'c.o', 'x'].filter((name) => top.excludes(name as Octets, false)),
    ['a.o', 'b'],
  );
  assert.equal(top.enter('sub' as Octets).excludes('b' as Octets, false), false);
});

test('what is no rule is refused in a line that says where', () => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['-foo', /^--filter: filter rule "-foo": unknown modifier "f", at column 2$/],
    ['x', /expected \+ - \. : H S ! or include.*, at column 1$/],
    ['P lost+found', /protect is about what a receiver deletes/],
    ['-r x', /modifier r is about what a receiver deletes.*, at column 2$/],
    ['-,x user.*', /extended attributes are always kept, at column 3$/],
    ['include', /a pattern is missing, at column 8$/],
    ['dir-merge,n', /a file name is missing/],
    [': a/b', /name of a file that may be in each directory/],
    ['!q', /unknown modifier "q", at column 2$/],
    ['-C foo', /nothing may follow, at column 4$/],
    [':+- x', /exclude each other/],
  ];
  for (const [rule, message] of cases) {
    assert.throws(() => new NameFilter(wordsOf([rule]), { read: () => undefined }), { code: 'EUSAGE', message }, rule);
  }
  const file = new NameFilter(wordsOf([': .r']), { read: () => undefined });
  assert.throws(() => file.at('/t' as Octets, () => '- ok\n\nbad' as Octets), {
    message: /^\/t\/\.r:3: filter rule "bad": .*, at column 1$/,
  });
  assert.throws(() => new NameFilter(wordsOf(['. r']), { read: () => '. r' as Octets }), { message: /merge each other without end/ });
});

test('a pattern made to be slow is not', () => {
  const pattern = `${'**a*'.repeat(12)}b` as Octets;
  const filter = new NameFilter([{ kind: 'exclude', value: pattern }], { read: () => undefined }).at('/' as Octets, () => undefined);
  const before = process.cpuUsage();
  assert.equal(filter.excludes('a'.repeat(255) as Octets, false), false);
  const { user } = process.cpuUsage(before);
  assert.ok(user < 10_000_000, `${user} µs`);
});
