import assert from 'node:assert/strict';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const LINES: readonly (readonly [line: string, printed: string])[] = [
  ["find -iname '*.pdf'", '/a/X.PDF\n'],
  ["find -iname 'É*'", '/a/éclair\n'],
  ['find -maxdepth 0', '/\n'],
  ['find -maxdepth 1', '/\n/a\n'],
  ['find a -type f -maxdepth 1 -print0', '/a/X.PDF\0/a/éclair\0'],
  ['find -type f -mtime 0', '/a/X.PDF\n'],
  ['find -type f -mtime -3', '/a/X.PDF\n/a/éclair\n'],
  ['find -type f -mtime +2', '/a/b/old\n'],
  ['du -d 0', '0\t/\n'],
  ['du -d 1', '0\t/a\n0\t/\n'],
  ['du -s', '0\t/\n'],
  ['ls -F a', 'X.PDF*\nb/\nto@\néclair\n'],
  ["alias here='find -maxdepth 0'", ''],
  ['here', '/\n'],
  ['unalias here', ''],
  ['clear', ''],
  ['cd @today; pwd; cd @', '/\n'],
];

test('what hands know from find, du, ls and sh works: -iname -mtime -maxdepth -print0, -d, -F -n, unalias, clear, @today', async (t) => {
  const { env, path } = makeScratch(t);
  const made = [
    'mkdir -p a/b',
    'touch -d 1h a/X.PDF',
    'touch -d 50h a/éclair',
    'touch -d 30d a/b/old',
    'chmod 755 a/X.PDF',
    'ln -s b a/to',
    'chown 77:88 a/X.PDF',
    'sync',
  ];
  const lines = LINES.map(([line, printed], index) => ({ line, printed, mark: `mark ${index}` }));
  const input = [...made, ...lines.flatMap(({ line, mark }) => [line, `!echo '${mark}'`]), 'ls -n a/X.PDF', ''].join('\n');
  const ran = await vtftp(['-q', '-S', path('store')], { env, input });
  assert.equal(ran.status, 0, ran.report);
  let rest = ran.stdout.replace(/^D\{.*\}\n/, '');
  for (const { line, printed, mark } of lines) {
    const end = rest.indexOf(`${mark}\n`);
    assert.equal(rest.slice(0, end), printed, line);
    rest = rest.slice(end + mark.length + 1);
  }
  assert.match(rest, /^-rwxr-xr-x 1 77 88 0 \d{4}-\d\d-\d\d \d\d:\d\d a\/X\.PDF\n/);
});
