import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('ls, cat, head, tail, stat and find take NAME@N and NAME@DATE; a name that has an @ is itself', async (t) => {
  const { path, env } = makeScratch(t);
  const say = (line: string, ...options: string[]) => vtftp([...options, '-S', path('store'), '-c', line], { env });
  mkdirSync(path('docs'));
  for (const [index, text] of ['first', 'second'].entries()) {
    writeFileSync(path('docs/note'), `${text}\n`);
    writeFileSync(path(`docs/only-${index + 1}`), 'x');
    writeFileSync(path('me@1'), `me ${text}\n`);
    const put = await say(`${index === 0 ? '' : 'rm -r docs; '}put ${path('docs')} docs; put ${path('me@1')} me@1; sync`);
    assert.equal(put.status, 0, put.report);
  }
  const gone = await say('rm docs/note; sync');
  assert.equal(gone.status, 0, gone.report);
  for (const [line, expected] of [
    ['cat docs/note@1', 'first\n'],
    ['cat docs/note@-1', 'second\n'],
    ['cat docs/note@1 docs/note@2', 'first\nsecond\n'],
    ['head -c 3 docs/note@1', 'fir'],
    ['tail -n 1 docs/note@2', 'second\n'],
    ['cd docs; cat note@1', 'first\n'],
    ['cat me@1', 'me second\n'],
    ['cat me@1@1', 'me first\n'],
    ['ls docs@1', 'note\nonly-1\n'],
    ['ls docs', 'only-1\nonly-2\n'],
    ['ls -1 @1', 'docs\nme@1\n'],
    ['ls docs/note@1', 'docs/note@1\n'],
    ['ls docs@1 docs', 'docs:\nonly-1\nonly-2\n\ndocs@1:\nnote\nonly-1\n'],
    ['ls -R @1', '@1:\ndocs\nme@1\n\n@1/docs:\nnote\nonly-1\n'],
    ['find docs@1', '/docs\n/docs/note\n/docs/only-1\n'],
    ['cat docs/note@2099-01-01 || cat docs/note@2', 'second\n'],
  ] as const) {
    const shown = await say(line);
    assert.equal(shown.stdout, expected, `${line}: ${shown.report}`);
    assert.equal(shown.status, 0, `${line}: ${shown.report}`);
  }
  const stat = await say('stat docs/note@1', '--json');
  assert.equal((JSON.parse(stat.stdout) as { size: number }).size, 6, stat.report);
  for (const command of ['cat', 'ls', 'head', 'tail', 'stat', 'find']) {
    for (const [name, status, message] of [
      ['docs/note@3', 1, /\/docs\/note@3: no such file/],
      ['docs/note@99', 10, /@99: no such state/],
      ['docs/note@nowhere', 1, /\/docs\/note@nowhere: no such file/],
    ] as const) {
      const none = await say(`${command} ${name}`);
      assert.equal(none.status, status, `${command}: ${none.report}`);
      assert.match(none.stderr, message);
    }
  }
});

test('STORE@N, @DATE and @TAG open a past state; another word is an archive', async (t) => {
  const { path, env } = makeScratch(t);
  const on = (source: string, line: string) => vtftp([source, '-c', line], { env });
  const made = await vtftp(['-S', path('store'), '-c', 'touch a; sync; tag @1 before; touch b; sync'], { env });
  assert.equal(made.status, 0, made.report);
  const store = path('store');
  for (const [spec, listed] of [
    ['1', 'a\n'],
    ['-1', 'a\n'],
    ['before', 'a\n'],
    ['now', 'a\nb\n'],
    ['today', 'a\nb\n'],
    ['0s', 'a\nb\n'],
  ] as const) {
    for (const source of [`${store}@${spec}`, `datadir:${store}@${spec}`, `${store}/archives/default.vt@${spec}`]) {
      const shown = await on(source, 'ls');
      assert.equal(shown.stdout, listed, `${source}: ${shown.report}`);
      assert.equal((await on(source, 'touch c')).status, 11, `${source} is read-only`);
    }
  }
  for (const old of ['7d', '2001-02-03']) {
    const refused = await on(`${store}@${old}`, 'ls');
    assert.equal(refused.status, 10, refused.report);
    assert.match(refused.stderr, /no state that old/);
  }
  const other = await on(`${store}@other`, 'touch c; sync; ls');
  assert.equal(other.status, 0, other.report);
  assert.match(other.stderr, /archive "other" of Store .* is new/);
  assert.match((await on(`${store}@other`, 'ls')).stdout, /^c\n/);
});
