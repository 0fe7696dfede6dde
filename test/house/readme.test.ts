import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../support/project.ts';

const featureTable = readFileSync(join(PROJECT_ROOT, 'docs/features.md'), 'utf8');

/** The pages that a reader of the repository sees. */
const PAGES: readonly string[] = [
  ...readdirSync(PROJECT_ROOT).filter((name) => name.endsWith('.md')),
  ...readdirSync(join(PROJECT_ROOT, 'docs'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.md'))
    .map((name) => join('docs', name)),
];

/** A row of the feature table. */
interface Feature {
  readonly id: string;
  readonly state: string;
}

function features(): Feature[] {
  return [...featureTable.matchAll(/^\| (S\d\d) \| [^|]+ \| (.+) \|$/gm)].map(([, id = '', state = '']) => ({ id, state }));
}

/** Links of a text, without the part after `#`. */
function links(text: string): string[] {
  return [...text.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => target).filter((target) => !target.startsWith('https:'));
}

test('the feature table has every row, in order', () => {
  const wanted = Array.from({ length: 66 }, (_, i) => `S${String(i + 1).padStart(2, '0')}`);
  assert.deepEqual(
    features().map((feature) => feature.id),
    wanted,
  );
});

test('every link in a page leads somewhere', () => {
  for (const page of PAGES) {
    const missing = links(readFileSync(join(PROJECT_ROOT, page), 'utf8')).filter(
      (target) => !existsSync(join(PROJECT_ROOT, dirname(page), target)),
    );
    assert.deepEqual(missing, [], page);
  }
});

test('README and ARCHITECTURE.md are short enough to be read', () => {
  for (const [page, most] of [
    ['README.md', 150],
    ['ARCHITECTURE.md', 250],
  ] as const) {
    const lines = readFileSync(join(PROJECT_ROOT, page), 'utf8').split('\n').length - 1;
    assert.ok(lines <= most, `${page}: ${lines} lines, at most ${most}`);
  }
});

test('a row is planned, or links to the tests that show it and to the man page that describes it', () => {
  for (const { id, state } of features()) {
    const tests = links(state).filter((target) => target.startsWith('../test/'));
    const pages = links(state).filter((target) => target.startsWith('../man/'));
    if (state.trim() === 'planned') continue;
    assert.ok(pages.length > 0, `${id} links to no man page`);
    assert.ok(tests.length > 0, `${id} links to no test`);
    for (const file of tests)
      assert.match(
        readFileSync(join(PROJECT_ROOT, 'docs', file), 'utf8'),
        /^ *(?:it|test|storeSuite|readOnlyStoreSuite|treeSuite)\(/m,
        `${id}: ${file}`,
      );
  }
});

test('what a test is called says what it shows, without the id of a row', () => {
  for (const file of readdirSync(join(PROJECT_ROOT, 'test'), { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts')))
    assert.ok(!/['"`]S\d\d: /.test(readFileSync(join(PROJECT_ROOT, 'test', file), 'utf8')), file);
});

test('the pages a reader sees speak of the product alone', () => {
  for (const page of PAGES) {
    assert.doesNotMatch(readFileSync(join(PROJECT_ROOT, page), 'utf8'), /\/work\/|\/tmp\/|shared\/|\bhelper\b/, page);
  }
});
