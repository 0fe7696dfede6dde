import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeldKeys } from '../../../shell/line/held-keys.ts';

/** Keys that have passed, by their parts. */
function passed(keys: HeldKeys): string[] {
  const parts: string[] = [];
  for (let part: unknown = keys.read(); part !== null; part = keys.read()) parts.push(String(part));
  return parts;
}

test('keys pass up to the end of a line; the others wait for the release', () => {
  const keys = new HeldKeys();
  keys.write('ls\rpwd\ncat é');
  assert.equal(passed(keys).join(''), 'ls\r');
  keys.write('!');
  assert.deepEqual(passed(keys), []);
  keys.release();
  assert.equal(passed(keys).join(''), 'pwd\n');
  keys.release();
  assert.equal(passed(keys).join(''), 'cat é!');
  keys.write('\r\n');
  keys.release();
  assert.equal(passed(keys).join(''), '\r\n');
});

test('Ctrl-C passes at once, and drops what was typed ahead before it; Ctrl-Z drops nothing', () => {
  const keys = new HeldKeys();
  keys.write('put x\rrm -r');
  keys.write(' y\r\x1a');
  assert.equal(passed(keys).join(''), 'put x\r\x1a');
  keys.write(' z\x03p');
  assert.equal(passed(keys).join(''), '\x03');
  keys.write('wd\r');
  keys.release();
  assert.equal(passed(keys).join(''), 'pwd\r');
  keys.release();
  keys.write('put y\rls\r\x03pwd\r');
  assert.equal(passed(keys).join(''), 'put y\r\x03');
  keys.release();
  assert.equal(passed(keys).join(''), 'pwd\r');
});

test('keys at the prompt pass as they are', () => {
  const keys = new HeldKeys();
  keys.write('a\x03b\x1ac');
  assert.equal(passed(keys).join(''), 'a\x03b\x1ac');
});
