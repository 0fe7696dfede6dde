import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { NODE_GCM, openSslGcm } from '../../../core/sealed/gcm-engine.ts';

const native = openSslGcm();

it('the functions of OpenSSL in this process seal as node:crypto does, and each opens what the other sealed', {
  skip: native === undefined ? 'this Node shows no OpenSSL' : false,
}, () => {
  assert.ok(native !== undefined);
  for (const size of [0, 1, 15, 16, 17, 4096, 23_456, 1 << 20]) {
    const [key, head] = [randomBytes(32), randomBytes(34)];
    const shared = (length: number): Buffer => Buffer.from(new SharedArrayBuffer(length));
    const data = shared(size);
    randomBytes(size).copy(data);
    const sealed: readonly { readonly target: Buffer; readonly tag: Buffer }[] = [NODE_GCM, native].map(
      (engine): { readonly target: Buffer; readonly tag: Buffer } => {
        const [target, tag] = [shared(size), shared(16)];
        engine.seal(key, head, data, target, tag);
        return { target, tag };
      },
    );
    assert.deepEqual(sealed[0], sealed[1], `${size} octets`);
    for (const engine of [NODE_GCM, native])
      for (const { target, tag } of sealed) {
        const opened = shared(size);
        assert.equal(engine.open(key, head, target, opened, tag), true);
        assert.deepEqual(opened, data);
        for (const octets of [key, head, target, tag]) {
          if (octets.length === 0) continue;
          const at = Math.floor(Math.random() * octets.length);
          octets[at] = (octets[at] as number) ^ (1 << (at % 8));
          assert.equal(engine.open(key, head, target, opened, tag), false);
          octets[at] = (octets[at] as number) ^ (1 << (at % 8));
        }
      }
  }
});
