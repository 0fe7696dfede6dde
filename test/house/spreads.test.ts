import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Linter } from 'eslint';
import tseslint from 'typescript-eslint';
import { appendAll, largestOf } from '../../core/base/lists.ts';
import { PROJECT_ROOT } from '../support/project.ts';

type Config = Linter.Config & { readonly files?: readonly string[] };

/** What the project's own configuration says of a text as if it stood in a file of the product. */
async function lint(text: string): Promise<string[]> {
  const { default: configs } = (await import(pathToFileURL(join(PROJECT_ROOT, 'eslint.config.js')).href)) as { default: readonly Config[] };
  const rules = configs.filter((config) => config.rules?.['no-restricted-syntax'] !== undefined);
  assert.equal(rules.length, 1);
  const parser = { files: ['**/*.ts'], languageOptions: { parser: tseslint.parser as Linter.Parser } };
  return new Linter().verify(text, [parser, ...rules], { filename: 'core/planted.ts' }).map(({ message }) => message);
}

for (const planted of [
  'export const f = (a: number[]) => Math.max(...a);',
  'export const f = (a: number[]) => [0].push(0, ...a);',
  'export const f = (a: []) => new Set(...a);',
  'export const f = (a: number[]) => Math.max.apply(Math, a);',
]) {
  test(`the gate refuses a list that is spread into a call: ${planted}`, async () => {
    const [message, ...more] = await lint(planted);
    assert.match(message ?? '', /overflows the stack/);
    assert.deepEqual(more, []);
  });
}

test('the gate lets lists be spread into lists, and objects into objects', async () => {
  assert.deepEqual(await lint('export const f = (a: number[], b: object) => [...a, { ...b }];'), []);
});

test('lists of 300,000 are appended and measured', () => {
  const many = Array.from({ length: 300_000 }, (_, i) => i);
  const list = [-1];
  appendAll(list, many);
  assert.equal(list.length, 300_001);
  assert.equal(largestOf(many), 299_999);
  assert.equal(largestOf([], 7), 7);
});
