import assert from 'node:assert/strict';
import { test } from 'node:test';
import { modeText, octetsFields, sizeText, timeText } from '../../../commands/parts/format.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';

const name = octetsFromText('x');

const modes: readonly (readonly [dirent: Dirent, text: string])[] = [
  [{ kind: 'file', name, meta: { mode: 0o644 }, block: EMPTY_BLOCK }, '-rw-r--r--'],
  [{ kind: 'file', name, meta: { mode: 0o4755 }, block: EMPTY_BLOCK }, '-rwsr-xr-x'],
  [{ kind: 'file', name, meta: { mode: 0o6644 }, block: EMPTY_BLOCK }, '-rwSr-Sr--'],
  [{ kind: 'dir', name, meta: { mode: 0o1777 }, block: EMPTY_BLOCK }, 'drwxrwxrwt'],
  [{ kind: 'dir', name, meta: { mode: 0o3770 }, block: EMPTY_BLOCK }, 'drwxrws--T'],
  [{ kind: 'dir', name, meta: {}, block: EMPTY_BLOCK }, 'drwxr-xr-x'],
  [{ kind: 'symlink', name, meta: {}, target: name }, 'lrwxrwxrwx'],
  [{ kind: 'char', name, meta: { mode: 0o600 } }, 'crw-------'],
];

for (const [dirent, text] of modes) {
  test(`mode of a ${dirent.kind} with ${dirent.meta.mode?.toString(8) ?? 'none'} shows as ${text}`, () =>
    assert.equal(modeText(dirent), text));
}

const sizes: readonly (readonly [bytes: number, text: string])[] = [
  [0, '0B'],
  [999, '999B'],
  [1000, '1.0K'],
  [1536, '1.5K'],
  [10_240, '10K'],
  [1024 ** 2 - 1, '1.0M'],
  [1024 ** 4, '1.0T'],
  [Number.MAX_SAFE_INTEGER, '8.0P'],
];

for (const [bytes, text] of sizes) test(`size ${bytes} shows as ${text}`, () => assert.equal(sizeText(bytes), text));

const times: readonly (readonly [ns: bigint, text: string])[] = [
  [0n, '1970-01-01T00:00:00.000000000Z'],
  [-1n, '1969-12-31T23:59:59.999999999Z'],
  [-1_500_000_000n, '1969-12-31T23:59:58.500000000Z'],
  [1_577_934_245_678_901_234n, '2020-01-02T03:04:05.678901234Z'],
  [10n ** 26n, '@100000000000000000.000000000'],
];

for (const [ns, text] of times) test(`time ${ns} shows as ${text}`, () => assert.equal(timeText(ns), text));

test('a name that is not UTF-8 carries its octets in base64 besides', () => {
  assert.deepEqual(octetsFields('name', octetsFromText('é')), { name: 'é' });
  assert.deepEqual(octetsFields('name', 'a\xff' as Octets), { name: 'a\ufffd', name_b64: 'Yf8=' });
});
