import { setTimeout as sleep } from 'node:timers/promises';
import { formatArchiveLine } from '../../../core/archive/archive-line.ts';
import { encodeBsuint } from '../../../core/base/bsuint.ts';
import { hashByName } from '../../../core/block/hash.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { parseDirent } from '../../../core/dirent/dirent-text.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import { encodeAppend } from '../../../core/wire/entry-requests.ts';
import { encodePacket } from '../../../core/wire/packet.ts';
import { encodeAdd, encodeHashcode, encodeJson, encodeRange, encodeText } from '../../../core/wire/payload.ts';
import { encodeWanted } from '../../../core/wire/record-requests.ts';
import { REQUEST, REQUEST_FLAG } from '../../../core/wire/requests.ts';
import { literal, stored, superblock, times } from '../bombs/bomb.ts';
import { MapSource } from '../stores/map-source.ts';
import type { HostileClient } from './hostile-client.ts';

const HASH = hashByName('sha3-256');
const MIB = 2 ** 20;

/** How one client does harm, until it is cut off or the time is over. */
export interface HostileKind {
  readonly name: string;
  readonly run: (open: () => Promise<HostileClient>, goesOn: () => boolean) => Promise<void>;
}

/** Opens connections one after the other, and does something with each until it ends. */
function again(name: string, step: (client: HostileClient) => void | Promise<void>, pauseMs = 20): HostileKind {
  return {
    name,
    async run(open, goesOn) {
      while (goesOn()) {
        const client = await open();
        while (goesOn() && client.isOpen) {
          await step(client);
          await client.drained();
          await sleep(pauseMs);
        }
        client.leave();
      }
    },
  };
}

/** Does something once on each connection, and holds it. */
function hold(name: string, step: (client: HostileClient) => void): HostileKind {
  return {
    name,
    async run(open, goesOn) {
      while (goesOn()) {
        const client = await open();
        step(client);
        await Promise.race([client.ended, sleep(500)]);
        while (goesOn() && client.isOpen) await sleep(50);
        client.leave();
      }
    },
  };
}

/** One leaf, and superblocks over it of 1,000 references each. */
function towerOfSuperblocks(): { readonly blocks: MapSource; readonly top: HashCode } {
  const blocks = new MapSource();
  let block = superblock(blocks, times(1000, stored(blocks, 'leaf')));
  for (let level = 0; level < 3; level++) block = superblock(blocks, times(1000, block));
  if (block.kind !== 'indirect' || block.refs.kind !== 'hash') throw new Error('no superblock');
  return { blocks, top: block.refs.hashcode };
}

function digests(count: number): Uint8Array {
  return Buffer.alloc(count * HASH.digestSize, 'digest');
}

/** 50 Blocks of 16 MiB in less than a MB. */
function zeros(): Uint8Array {
  const data = Buffer.alloc(16 * MIB);
  const record = { digest: HASH.digest(data), data };
  return packRecords(times(50, record), HASH, 'zlib').image;
}

const LARGE = Buffer.alloc(16 * MIB, 'large');
const below = towerOfSuperblocks();
const largeDigest = HASH.digest(LARGE);
const zeroImage = zeros();
const addLarge = encodePacket({ tag: 2, channel: 0, request: REQUEST.add, flags: 0, payload: Buffer.concat(encodeAdd('sha3-256', LARGE)) });
const allButItsEnd = Buffer.concat([encodeBsuint(17_000_000), Buffer.alloc(16_900_000)]);
const longHello = encodePacket({
  tag: 3,
  channel: 0,
  request: REQUEST.hello,
  flags: REQUEST_FLAG.json,
  payload: encodeJson({ version: 1, more: times(3_000_000, 'x') }),
});

/** Twenty clients that mean harm, each in a way of its own. */
export const HOSTILE_CLIENTS: readonly HostileKind[] = [
  again('asks whether all below is there, and leaves', (client) => {
    for (const data of below.blocks.blocks.values()) client.ask(REQUEST.add, Buffer.concat(encodeAdd('sha3-256', data)));
    client.ask(REQUEST.containsIndirect, encodeHashcode(below.top));
    setTimeout(() => client.leave(), 100);
  }),
  again('sends zeros that were compressed', (client) => void client.listen().hello().ask(REQUEST.addRecords, zeroImage), 5),
  hold('sends all of a packet but its end', (client) => client.octets(allButItsEnd)),
  hold('announces a packet', (client) => client.octets(encodeBsuint(17_000_000))),
  hold('asks for much and takes nothing', (client) => {
    client.hello().octets(addLarge);
    for (let i = 0; i < 200; i++) client.ask(REQUEST.get, encodeHashcode({ hashName: 'sha3-256', digest: largeDigest }));
  }),
  again(
    'pings',
    (client) => {
      client.listen().hello();
      for (let i = 0; i < 5000; i++) client.ask(REQUEST.ping, new Uint8Array(0));
    },
    1,
  ),
  again('pings with much', (client) => void client.listen().hello().ask(REQUEST.ping, Buffer.alloc(MIB)), 1),
  again('says a long hello', (client) => void client.octets(longHello), 50),
  again('sends what is no packet', (client) => void client.octets(Buffer.alloc(65_536, 0xff)), 1),
  again('asks for all entries', (client) => {
    client.listen().hello();
    for (let i = 0; i < 64; i++) client.ask(REQUEST.entries, encodeText('default'), { from: 1 });
  }),
  again('asks for all hashcodes', (client) => {
    client.listen().hello();
    for (let i = 0; i < 64; i++) client.ask(REQUEST.hashcodes, encodeRange({ hashName: 'sha3-256', isAfter: false, length: 0 }));
  }),
  again('asks how many there are', (client) => {
    client.listen().hello();
    for (let i = 0; i < 64; i++) client.ask(REQUEST.length, new Uint8Array(0));
  }),
  again(
    'guesses the secret',
    (client) =>
      void client
        .listen()
        .ask(REQUEST.hello, new Uint8Array(0), { version: 1, nonce: 'n' })
        .ask(REQUEST.authenticate, new Uint8Array(0), { proof: 'p' }),
    1,
  ),
  {
    name: 'opens many and says nothing',
    async run(open, goesOn) {
      const clients: HostileClient[] = [];
      for (let i = 0; i < 20 && goesOn(); i++) clients.push(await open());
      while (goesOn()) await sleep(50);
      for (const client of clients) client.leave();
    },
  },
  again('sends octet by octet', (client) => void client.octets(Buffer.from([0x88])), 5),
  again(
    'asks for records that are not there',
    (client) =>
      void client
        .listen()
        .hello()
        .ask(REQUEST.records, Buffer.concat(encodeWanted(digests(16_000), 16_000))),
    5,
  ),
  again('asks what is there', (client) => void client.listen().hello().ask(REQUEST.has, digests(16_000)), 5),
  again('records roots that are not there', (client) => {
    const dirent = parseDirent(`D{block:B{hash:H{sha3-256:${'ab'.repeat(32)}},span:100}}`);
    for (const whenNs of [253_402_300_000_000_000_000n, BigInt(Date.now()) * 1_000_000n])
      client
        .listen()
        .hello()
        .ask(REQUEST.entryAppend, encodeAppend('default', '', formatArchiveLine({ whenNs, dirent })));
  }),
  {
    name: 'comes and goes',
    async run(open, goesOn) {
      while (goesOn()) {
        const client = await open();
        client.hello();
        await sleep(2);
        client.leave();
      }
    },
  },
  again('adds large Blocks and asks what is unknown', (client) => {
    client.listen().hello();
    // Another one each time.
    addLarge.writeUInt32LE(Date.now() >>> 0, MIB);
    client.octets(addLarge);
    client.ask(99, encodeHashcode({ hashName: 'sha3-256', digest: HASH.digest(literal('x').data) }));
  }),
];
