import assert from 'node:assert/strict';
import { it } from 'node:test';
import { PathError } from '../../../core/base/errors.ts';
import {
  baseName,
  checkEntryName,
  isEntryName,
  isWithin,
  joinPath,
  parentPath,
  resolveTreePath,
  splitPath,
} from '../../../core/tree/path.ts';
import { at, octets } from '../../support/trees/tree-lines.ts';

it('words are resolved from the working path, by their spelling', () => {
  const cases: readonly (readonly [cwd: string, words: string, path: string])[] = [
    ['/', '', '/'],
    ['/a/b', '', '/a/b'],
    ['/a/b', '.', '/a/b'],
    ['/a/b', 'c', '/a/b/c'],
    ['/a/b', './c/', '/a/b/c'],
    ['/a/b', '..', '/a'],
    ['/a/b', '../..', '/'],
    ['/a/b', '../../../..', '/'],
    ['/a/b', '../c/../d', '/a/d'],
    ['/a/b', '/', '/'],
    ['/a/b', '/c//d/', '/c/d'],
    ['/a/b', '/../c', '/c'],
    ['/a/b', '...', '/a/b/...'],
    ['/a/b', 'with space', '/a/b/with space'],
    ['/', '\xff\n', '/\xff\n'],
    ['/', '-', '/-'],
  ];
  for (const [cwd, words, path] of cases) assert.equal(resolveTreePath(at(cwd), octets(words)), path, `${cwd} ${words}`);
});

it('paths are taken apart and put together', () => {
  assert.deepEqual(splitPath(at('/')), []);
  assert.deepEqual(splitPath(at('/a/b')), ['a', 'b']);
  assert.equal(joinPath(at('/'), octets('a')), '/a');
  assert.equal(joinPath(at('/a'), octets('b')), '/a/b');
  assert.deepEqual(
    ['/', '/a', '/a/b'].map((path) => parentPath(at(path))),
    ['/', '/', '/a'],
  );
  assert.deepEqual(
    ['/', '/a', '/a/b'].map((path) => baseName(at(path))),
    ['', 'a', 'b'],
  );
  assert.ok(isWithin(at('/'), at('/a')) && isWithin(at('/a'), at('/a')) && isWithin(at('/a'), at('/a/b')));
  assert.ok(!isWithin(at('/a'), at('/ab')) && !isWithin(at('/a/b'), at('/a')));
});

it('names that no entry can have are refused', () => {
  for (const name of ['', '.', '..', 'a/b', 'a\0b']) assert.ok(!isEntryName(octets(name)), JSON.stringify(name));
  for (const name of ['...', '-', ' ', '\n', '\xff']) assert.ok(isEntryName(octets(name)), JSON.stringify(name));
  checkEntryName(octets('n'.repeat(255)), 'make', at('/'));
  assert.throws(
    () => checkEntryName(octets('n'.repeat(256)), 'make', at('/')),
    (error) => error instanceof PathError && error.errno === 'ENAMETOOLONG',
  );
});
