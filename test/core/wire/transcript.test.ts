import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Duplex, PassThrough } from 'node:stream';
import { it } from 'node:test';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeLabel, hashcodeOf } from '../../../core/block/hashcode.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import type { RequestBody } from '../../../core/wire/connection.ts';
import { Connection } from '../../../core/wire/connection.ts';
import type { Link } from '../../../core/wire/links/link.ts';
import type { Packet } from '../../../core/wire/packet.ts';
import { PacketReader } from '../../../core/wire/packet.ts';
import {
  decodeAdd,
  decodeHashcodes,
  decodeNumber,
  decodeOneHashcode,
  decodeRange,
  decodeTextAnd,
  encodeAdd,
  encodeHashcode,
  encodeRange,
  encodeText,
  rangeFlags,
} from '../../../core/wire/payload.ts';
import type { PlainArchives } from '../../../core/wire/plain-requests.ts';
import type { Response } from '../../../core/wire/read-response.ts';
import { REQUEST } from '../../../core/wire/requests.ts';
import { serveLink } from '../../../core/wire/serve-streams.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { testCheckers } from './served-store.ts';

const [asked, answered] = ['c2s.bin', 's2c.bin'].map((name) => readFileSync(join(PROJECT_ROOT, 'test/golden/python-vt/stream', name))) as [
  Buffer,
  Buffer,
];

function packetsOf(stream: Buffer): Packet[] {
  const found: Packet[] = [];
  new PacketReader(1 << 20).take(stream, (packet) => found.push(packet));
  return found;
}

/** Archives in memory; the one of the transcript is made between the first time that it is asked for and the second. */
function archives(): PlainArchives {
  const made = new Map<string, Uint8Array[]>();
  const entries = (name: string): Uint8Array[] => {
    const found = made.get(name);
    made.set(name, found ?? []);
    if (found === undefined) throw new Error(`no archive "${name}"`);
    return found;
  };
  return {
    last: async (name) => await Promise.resolve(entries(name).at(-1)),
    append: async (name, entry) => {
      await Promise.resolve(entries(name).push(entry));
    },
    list: async (name) => await Promise.resolve(entries(name)),
  };
}

for (const size of [asked.length, 1, 1000]) {
  it(`what a Python vt asks, in pieces of ${size} octets, is answered as a Python vt answers it, octet by octet`, async () => {
    await using store = new MemoryStore({ hashName: 'blake3' });
    const input = new PassThrough();
    const output = new PassThrough();
    const sent: Buffer[] = [];
    output.on('data', (chunk: Buffer) => sent.push(chunk));
    const link: Link = { input, output, destroy: () => {} };
    const client = serveLink(link, 'client', {
      exports: new Map([['', { store, plainArchives: archives() }]]),
      isReadOnly: false,
      instance: 'test',
      checkers: testCheckers,
    });
    for (let at = 0; at < asked.length; at += size) input.write(asked.subarray(at, at + size));
    input.end();
    await client.closed;
    assert.deepEqual(packetsOf(Buffer.concat(sent)), packetsOf(answered));
    assert.deepEqual(Buffer.concat(sent), answered);
  });
}

it('what a client asks in the words of the Python vt are its octets, and its answers are understood', async () => {
  const sent: Buffer[] = [];
  let position = 0;
  // Gives each answer when what it answers has been asked.
  const answers = packetSizes(answered);
  const line = new Duplex({
    read() {},
    writev(chunks, done) {
      for (const { chunk } of chunks) sent.push(chunk as Buffer);
      done();
      const count = packetsOf(Buffer.concat(sent)).length;
      for (; position < count; position++) line.push(answers[position]);
      if (position === answers.length) line.push(null);
    },
  });
  const connection = new Connection({ input: line, output: line, destroy: () => {} }, { name: 'vt' });
  const responses = new Map<number, Response | Error>();
  for (const packet of packetsOf(asked)) {
    const { request = 0, tag } = packet;
    if (request === REQUEST.end || packet.channel !== 0) continue;
    responses.set(tag, await connection.request(request, bodyOf(packet)).catch((error: Error) => error));
  }
  const ours = packetsOf(Buffer.concat(sent));
  const theirs = packetsOf(asked).filter(({ request, channel }) => request !== REQUEST.end && channel === 0);
  assert.deepEqual(ours, theirs);
  const done = (tag: number): Response => {
    const found = responses.get(tag);
    assert.ok(found !== undefined && !(found instanceof Error), `tag ${tag}: ${String(found)}`);
    return found;
  };
  assert.equal(hashcodeLabel(decodeOneHashcode(done(3).payload)), hashcodeLabel(hashcodeOf('blake3', Buffer.from('hello, world\n'))));
  assert.deepEqual([done(6).yes, done(7).yes, done(8).yes, done(9).yes], [true, false, true, false]);
  assert.equal(Buffer.from(done(8).payload).toString(), 'hello, world\n');
  assert.equal(decodeNumber(done(11).payload), 3);
  assert.deepEqual(
    [26, 27, 29].map((tag) => decodeHashcodes(done(tag).payload).length),
    [4, 2, 16],
  );
  assert.deepEqual([done(34).yes, done(35).yes], [true, false]);
  for (const tag of [30, 36, 43, 44]) assert.match(String(responses.get(tag)), /exception during handler/);
});

/** The stream's packets, each with its length. */
function packetSizes(stream: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < stream.length; ) {
    let end = at + 1;
    while (packetsOf(stream.subarray(at, end)).length === 0) end++;
    found.push(stream.subarray(at, end));
    at = end;
  }
  return found;
}

/** The request of a packet, read and written again by our own words for it. */
function bodyOf({ request, flags, payload }: Packet): RequestBody {
  switch (request) {
    case REQUEST.add: {
      const { hashName = 'sha1', data } = decodeAdd(payload);
      return { payload: encodeAdd(hashName, data) };
    }
    case REQUEST.get:
    case REQUEST.contains:
    case REQUEST.containsIndirect:
      return { payload: [encodeHashcode(decodeOneHashcode(payload) satisfies HashCode)] };
    case REQUEST.hashcodes:
    case REQUEST.hashcodesHash: {
      const range = decodeRange(flags, payload);
      return { flags: rangeFlags(range), payload: [encodeRange(range)] };
    }
    case REQUEST.archiveLast:
    case REQUEST.archiveList:
    case REQUEST.archiveUpdate: {
      const { text, rest } = decodeTextAnd(payload);
      return { payload: [encodeText(text), rest] };
    }
    default:
      return { flags, payload: [payload] };
  }
}
