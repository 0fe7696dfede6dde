import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { compileGlob, hasGlob } from '../../../core/base/glob-pattern.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';

const cases: readonly { readonly pattern: string; readonly matches: readonly string[]; readonly misses: readonly string[] }[] = [
  { pattern: '*', matches: ['a', 'a b', 'é', 'a\nb'], misses: ['.hidden'] },
  { pattern: '.*', matches: ['.hidden', '.'], misses: ['a'] },
  { pattern: '*.txt', matches: ['a.txt', 'a.b.txt'], misses: ['a.txt2', '.txt', 'atxt'] },
  { pattern: '?', matches: ['a', 'é', '☃', '😀'], misses: ['', 'ab', '.'] },
  { pattern: '[a-c]x', matches: ['ax', 'bx', 'cx'], misses: ['dx', '-x', 'x'] },
  { pattern: '[!a-c]', matches: ['d', '-', 'é'], misses: ['a'] },
  { pattern: '[]a]', matches: [']', 'a'], misses: ['b'] },
  { pattern: '[z-a]', matches: [], misses: ['z', 'a', 'm'] },
  { pattern: '[a-]', matches: ['a', '-'], misses: ['b'] },
  { pattern: '[', matches: ['['], misses: ['a'] },
  { pattern: 'a[b', matches: ['a[b'], misses: ['ab'] },
  { pattern: '\\*', matches: ['*'], misses: ['a', '\\*'] },
  { pattern: '(a|b)+{1}^$', matches: ['(a|b)+{1}^$'], misses: ['a'] },
];

for (const { pattern, matches, misses } of cases) {
  test(`pattern ${JSON.stringify(pattern)} matches just what it should`, () => {
    const matcher = compileGlob(octetsFromText(pattern));
    for (const name of matches) assert.equal(matcher(octetsFromText(name)), true, `should match ${JSON.stringify(name)}`);
    for (const name of misses) assert.equal(matcher(octetsFromText(name)), false, `should not match ${JSON.stringify(name)}`);
  });
}

test('a name that is not UTF-8 is matched by octets', () => {
  const name = 'a\xff\xfe.txt' as Octets;
  assert.equal(compileGlob('a??.txt' as Octets)(name), true);
  assert.equal(compileGlob('*.txt' as Octets)(name), true);
  assert.equal(compileGlob('a?.txt' as Octets)(name), false);
});

test('any octets with every special character escaped match themselves alone', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 12 }), (bytes) => {
      const name = Buffer.from(bytes).toString('latin1') as Octets;
      const pattern = name.replace(/[*?[\\]/g, '\\$&') as Octets;
      assert.equal(compileGlob(pattern)(name), true);
      assert.equal(compileGlob(pattern)(`${name}x` as Octets), false);
      assert.equal(hasGlob(pattern), false);
    }),
  );
});

test('an active special character is found, an escaped one is not', () => {
  for (const [pattern, expected] of [
    ['a*', true],
    ['a\\*', false],
    ['a\\\\*', true],
    ['[x]', true],
    ['plain', false],
    ['?', true],
  ] as const) {
    assert.equal(hasGlob(octetsFromText(pattern)), expected, pattern);
  }
});

test('a pattern of many stars is decided at once, also where it does not match', () => {
  const pattern = `${'*a'.repeat(60)}*b` as Octets;
  const before = process.cpuUsage();
  assert.equal(compileGlob(pattern)('a'.repeat(4096) as Octets), false);
  assert.equal(compileGlob(pattern)(`${'a'.repeat(4096)}b` as Octets), true);
  assert.equal(compileGlob('['.repeat(20_000) as Octets)('a' as Octets), false);
  assert.ok(process.cpuUsage(before).user < 10_000_000);
});

test('what follows a star is looked for at every place', () => {
  const naive = (pattern: string, name: string): boolean =>
    pattern === ''
      ? name === ''
      : pattern[0] === '*'
        ? naive(pattern.slice(1), name) || (name !== '' && naive(pattern, name.slice(1)))
        : name !== '' && (pattern[0] === '?' || pattern[0] === name[0]) && naive(pattern.slice(1), name.slice(1));
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('a', 'b', '*', '?'), maxLength: 8 }),
      fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 10 }),
      (pattern, name) => {
        assert.equal(compileGlob(pattern as Octets)(name as Octets), naive(pattern, name));
      },
    ),
  );
});
