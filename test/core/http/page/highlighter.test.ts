import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { runInNewContext } from 'node:vm';
import type { Octets } from '../../../../core/base/octets.ts';
import { highlighterNamed, highlighterOf } from '../../../../core/http/page/highlighter.ts';
import { languageOf } from '../../../../core/http/page/languages.ts';

interface Coloured {
  readonly value: string;
}

function coloured(name: string, text: string): string {
  const language = languageOf(name as Octets);
  assert.ok(language !== undefined, name);
  const script = highlighterOf(language);
  assert.ok(script !== undefined, language);
  assert.ok(script.text.length < 60_000, `${language}: ${script.text.length}`);
  const page: { self?: unknown; hljs?: { highlight(text: string, options: { language: string }): Coloured } } = {};
  page.self = page;
  runInNewContext(script.text, page);
  return page.hljs?.highlight(text, { language }).value ?? '';
}

for (const [name, text, expected] of [
  ['a.py', 'def f(): # x', /hljs-keyword">def</],
  ['b.ts', 'const a: string = 1;', /hljs-keyword">const</],
  ['Makefile', 'all:\n\tcc x', /hljs-/],
  ['page.html', '<script>let a = 1</script>', /language-javascript|hljs-keyword">let</],
  ['x.toml', '[a]\nb = 1', /hljs-section/],
  ['q.sql', 'select 1', /hljs-keyword">select</],
] as const) {
  test(`${name} is coloured`, () => assert.match(coloured(name, text), expected));
}

test('every language that names tell has its script, by a name that tells its text', () => {
  for (const ending of 'sh c cc cs css diff go graphql ini java js json kt less lua mk md m pl php py r rb rs scss sql swift ts vb wat xml yml'.split(
    ' ',
  )) {
    const language = languageOf(`x.${ending}` as Octets);
    const script = language === undefined ? undefined : highlighterOf(language);
    assert.ok(script !== undefined, ending);
    assert.equal(script.integrity, `sha256-${createHash('sha256').update(script.text).digest('base64')}`);
    assert.equal(highlighterNamed(script.name), script);
  }
});

test('no other name leads to a script', () => {
  for (const name of [
    'highlight-python-000000000000.js',
    'highlight-..-000000000000.js',
    'highlight-constructor-000000000000.js',
    '../package.json',
    '',
  ])
    assert.equal(highlighterNamed(name), undefined, name);
  assert.equal(languageOf('photo.jpg' as Octets), undefined);
  assert.equal(languageOf('.constructor' as Octets), undefined);
});
