import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../../core/base/errors.ts';
import { formatPacket } from '../../../core/wire/format-packet.ts';
import type { Packet } from '../../../core/wire/packet.ts';
import { encodePacket, PacketReader } from '../../../core/wire/packet.ts';
import { decodeBits, encodeBits, encodeJson, encodeText } from '../../../core/wire/payload.ts';
import { REQUEST, REQUEST_FLAG, RESPONSE_FLAG } from '../../../core/wire/requests.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

const number = fc.oneof(fc.nat(300), fc.maxSafeNat());
const packets: fc.Arbitrary<Packet> = fc.record(
  {
    tag: number,
    channel: fc.oneof(fc.constant(0), number),
    request: fc.option(fc.oneof(fc.constantFrom(...Object.values(REQUEST)), number), { nil: undefined }),
    flags: fc.nat(2 ** 40),
    payload: fc.uint8Array({ maxLength: 300 }),
  },
  { noNullPrototype: true },
);

/** What comes out of a stream that arrives in pieces of these sizes. */
function readInPieces(stream: Buffer, sizes: readonly number[]): Packet[] {
  const reader = new PacketReader(1 << 20);
  const found: Packet[] = [];
  let turn = 0;
  for (let at = 0; at < stream.length; ) {
    const size = Math.max(1, sizes.length === 0 ? stream.length : (sizes[turn++ % sizes.length] as number));
    reader.take(Buffer.from(stream.subarray(at, at + size)), (packet) =>
      found.push({ ...packet, payload: Uint8Array.from(packet.payload) }),
    );
    at += size;
  }
  assert.equal(reader.isWithin, false);
  return found;
}

it('packets come out of a stream as they went in, split at any octets', () => {
  fc.assert(
    fc.property(fc.array(packets, { maxLength: 8 }), fc.array(fc.integer({ min: 1, max: 90 }), { maxLength: 10 }), (sent, sizes) => {
      const stream = Buffer.concat(sent.map(encodePacket));
      assert.deepEqual(readInPieces(stream, sizes), sent);
    }),
    { numRuns: 300 },
  );
});

for (const name of ['c2s.bin', 's2c.bin']) {
  const stream = readFileSync(join(PROJECT_ROOT, 'test/golden/python-vt/stream', name));
  it(`the packets of the Python vt in ${name} are read, split at every octet, and written as they were`, () => {
    const whole = readInPieces(stream, []);
    assert.ok(whole.length > 40);
    assert.deepEqual(Buffer.concat(whole.map(encodePacket)), stream);
    assert.deepEqual(readInPieces(stream, [1]), whole);
    for (let split = 1; split < stream.length; split += 7) assert.equal(readInPieces(stream, [split]).length, whole.length);
  });
}

it('a packet that is too large, too small, or whose length does not end is refused with its place', () => {
  const refused = (octets: readonly number[], found: RegExp): void => {
    const reader = new PacketReader(1000);
    assert.throws(
      () => reader.take(Buffer.from(octets), () => assert.fail('a packet')),
      (error) => error instanceof ParseError && found.test(error.message),
    );
  };
  refused([0x87, 0x69], /a packet of 1001 bytes, where 1000 are allowed/);
  refused([1, 0], /a packet of 1 bytes/);
  refused([0], /a packet of 0 bytes/);
  refused(Array<number>(20).fill(0x80), /does not end/);
  refused(Array<number>(20).fill(0xff), /exceeds|does not end/);
  refused([2, 0x80, 0x80], /data ends/);
});

it('one line says what any packet is, whatever its payload', () => {
  const nothing = new Uint8Array(0);
  const line = (packet: Partial<Packet>, answered?: number): string =>
    formatPacket({ tag: 7, channel: 0, request: undefined, flags: 0, payload: nothing, ...packet }, answered);
  assert.equal(line({ request: REQUEST.flush }), 'tag 7 flush');
  assert.equal(line({ request: REQUEST.end, tag: 1 }), 'tag 1 end of requests');
  assert.equal(line({ request: REQUEST.end, tag: 0 }), 'tag 0 end of stream');
  assert.equal(line({ request: 99, channel: 3, payload: Buffer.from('abc') }), 'tag 7 channel 3 request 99 616263(3)');
  const json = Buffer.concat([encodeJson({ version: 1 }), Buffer.from('x')]);
  assert.equal(line({ request: REQUEST.hello, flags: REQUEST_FLAG.json, payload: json }), 'tag 7 hello {"version":1} 78(1)');
  assert.equal(line({ request: REQUEST.archiveLast, payload: encodeText('arch') }), 'tag 7 archiveLast "arch"');
  assert.equal(line({ flags: RESPONSE_FLAG.ok | RESPONSE_FLAG.yes }, REQUEST.contains), 'tag 7 response to contains ok yes');
  assert.equal(line({ payload: Buffer.from('no') }, REQUEST.add), 'tag 7 response to add failed "no"');
  const why = encodeJson({ code: 'EFAILED', reason: 'no space' });
  assert.equal(line({ flags: RESPONSE_FLAG.json, payload: why }), 'tag 7 response failed {"code":"EFAILED","reason":"no space"}');
  fc.assert(
    fc.property(packets, fc.option(fc.constantFrom(...Object.values(REQUEST)), { nil: undefined }), (packet, answered) => {
      const text = formatPacket(packet, answered);
      assert.ok(text.startsWith(`tag ${packet.tag}`) && !text.includes('\n'));
    }),
  );
});

it('bits are read as they were written, and no more of them', () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 100 }), (answers) => {
      assert.deepEqual(Array.from(decodeBits(encodeBits(answers), answers.length), Boolean), answers);
    }),
  );
  assert.throws(() => decodeBits(new Uint8Array(2), 8), ParseError);
});
