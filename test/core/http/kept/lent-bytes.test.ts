import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { LentBytes } from '../../../../core/http/kept/lent-bytes.ts';

const KIB = 1024;

function answer(): ServerResponse {
  return new EventEmitter() as ServerResponse;
}

test('what answers hold keeps within a size, and is free when they have ended', () => {
  const lent = new LentBytes(1000 * KIB);
  const [one, other] = [answer(), answer()];
  assert.ok(lent.reserve(600 * KIB, one));
  assert.ok(!lent.reserve(600 * KIB, other));
  assert.ok(lent.reserve(400 * KIB, other));
  assert.ok(lent.reserve(64 * KIB, answer()), 'small ones are bounded by the connections');
  one.emit('close');
  assert.ok(lent.reserve(600 * KIB, answer()));
});

test('bytes that several answers hold count once', () => {
  const lent = new LentBytes(1000 * KIB);
  const bytes = new Uint8Array(900 * KIB);
  const answers = [answer(), answer(), answer()];
  for (const one of answers) assert.ok(lent.lend(bytes, one));
  for (const one of answers) {
    assert.ok(!lent.lend(new Uint8Array(200 * KIB), answer()));
    one.emit('close');
  }
  assert.ok(lent.lend(new Uint8Array(900 * KIB), answer()));
});
