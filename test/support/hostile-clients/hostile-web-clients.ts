import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { formatArchiveLine } from '../../../core/archive/archive-line.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import { times } from '../bombs/bomb.ts';

const HASH = hashByName('sha3-256');
const MIB = 2 ** 20;
const LARGE = Buffer.alloc(16 * MIB, 'large');
const NOWHERE = parseDirent(`D{block:B{hash:H{sha3-256:${'ab'.repeat(32)}},span:100}}`);

/** How one client of an HTTP server does harm, until the time is over. `open` connects, `token` lets in who may write. */
export interface HostileWebKind {
  readonly name: string;
  readonly run: (open: () => Promise<Socket>, token: string, goesOn: () => boolean) => Promise<void>;
}

/** A request with its head whole, and as much of a body as is given. */
function request(token: string, line: string, headers: readonly string[] = [], body: Uint8Array | string = ''): Buffer {
  const head = [`${line} HTTP/1.1`, 'Host: 127.0.0.1', `Authorization: Bearer ${token}`, ...headers];
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`, 'latin1'), Buffer.from(body as Uint8Array)]);
}

/** The same with the length of its body. */
function whole(token: string, line: string, body: Uint8Array | string, headers: readonly string[] = []): Buffer {
  const octets = Buffer.from(body as Uint8Array);
  return request(token, line, [`Content-Length: ${octets.length}`, ...headers], octets);
}

function blockPath(digest: Uint8Array): string {
  return `/h/${digestHex(digest)}.sha3-256`;
}

async function drained(socket: Socket): Promise<void> {
  if (!socket.writableNeedDrain || socket.destroyed) return;
  await new Promise<void>((resolve) => {
    socket.once('drain', resolve).once('close', () => resolve());
  });
}

/** Opens connections one after the other, and sends something on each until it ends. */
function again(name: string, step: (token: string) => Uint8Array, pauseMs = 10): HostileWebKind {
  return {
    name,
    async run(open, token, goesOn) {
      while (goesOn()) {
        const socket = (await open()).on('data', () => undefined);
        while (goesOn() && socket.writable) {
          socket.write(step(token));
          await drained(socket);
          await sleep(pauseMs);
        }
        socket.destroy();
      }
    },
  };
}

/** Many at a time send the same, and then an octet now and then. */
function slowly(name: string, count: number, first: (token: string) => Uint8Array): HostileWebKind {
  const one = again(name, () => Buffer.alloc(0));
  return {
    name: one.name,
    async run(open, token, goesOn) {
      const each = async (): Promise<void> => {
        while (goesOn()) {
          const socket = (await open()).on('data', () => undefined);
          socket.write(first(token));
          while (goesOn() && socket.writable) {
            await sleep(500);
            socket.write('x');
          }
          socket.destroy();
        }
      };
      await Promise.all(times(count, undefined).map(each));
    },
  };
}

/** 50 Blocks of 16 MiB in less than a MB. */
function zeros(): Uint8Array {
  const data = Buffer.alloc(16 * MIB);
  return packRecords(times(50, { digest: HASH.digest(data), data }), HASH, 'zlib').image;
}

const zeroImage = zeros();
const line = (whenNs: bigint): string => formatArchiveLine({ whenNs, dirent: NOWHERE });
const YEAR_9999 = 253_402_300_000_000_000_000n;

/** Places that are none, each in a way of its own. */
const PATHS = [
  '/archive/%2e%2e/%2e%2e/etc/passwd',
  '/archive/default/..%2f..%2f',
  '/archive/default/%00',
  '/archive/default/%',
  '/archive/%ff%fe/',
  `/archive/default@${'9'.repeat(400)}/`,
  '/archive/DEFAULT/',
  '/archive//default/',
  `/archive/${'a'.repeat(8000)}/`,
  '/share/AAAA.BBBB/',
  '/share/../archive/default/',
  `/d/${'SubB{block:'.repeat(700)}/`,
  '/h/zz.sha3-256',
  '//archive/default/',
  'http://evil.example/archive/default/',
];

/** Clients of a writable HTTP server that mean harm, each in a way of its own. */
export const HOSTILE_WEB_CLIENTS: readonly HostileWebKind[] = [
  slowly('say that a large body comes, and send it octet by octet', 40, (token) =>
    request(token, `PUT ${blockPath(HASH.digest(LARGE))}`, [`Content-Length: ${LARGE.length}`]),
  ),
  slowly('say that a state comes, and send it octet by octet', 100, (token) =>
    request(token, 'POST /archive/web', ['Content-Length: 1000000'], Buffer.alloc(900_000, ' ')),
  ),
  slowly('send headers octet by octet', 20, () => Buffer.from('GET / HTTP/1.1\r\nHost: ')),
  slowly('send chunks without an end', 20, (token) =>
    request(token, `PUT ${blockPath(HASH.digest(LARGE))}`, ['Transfer-Encoding: chunked'], '4000000\r\n'),
  ),
  again('send more than was said', (token) => request(token, `PUT ${blockPath(HASH.digest(LARGE))}`, ['Content-Length: 10'], LARGE)),
  again('send the bytes of another name', (token) => whole(token, `PUT ${blockPath(Buffer.alloc(32, 1))}`, LARGE)),
  again('send zeros that were compressed', (token) => whole(token, 'POST /r/', zeroImage)),
  again('send long extensions of chunks', (token) =>
    request(token, 'POST /r/', ['Transfer-Encoding: chunked'], `1;${'x'.repeat(2 ** 20)}\r\nx\r\n`),
  ),
  again('record states of the year 9999', (token) => whole(token, 'POST /archive/web', line(YEAR_9999), ['If-Match: *'])),
  again('record roots that are not there', (token) =>
    whole(token, 'POST /archive/web', line(BigInt(Date.now()) * 1_000_000n), ['If-Match: *']),
  ),
  again('record states without end', (token) =>
    whole(token, `POST /archive/web`, formatDirent({ ...EMPTY_ROOT, meta: { mode: Math.floor(Math.random() * 0o777) } }), ['If-Match: *']),
  ),
  again('record what is no state', (token) => whole(token, 'POST /archive/web', 'D{'.repeat(400_000))),
  again('ask for places that are none', (token) =>
    Buffer.concat(PATHS.map((path) => request(token, `GET ${path}`)).slice(Math.floor(Math.random() * PATHS.length))),
  ),
  again('guess tokens', () => request(`${Math.random()}`, 'GET /archive/default/'), 1),
  again('list all below with PROPFIND', (token) => whole(token, 'PROPFIND /archive/default/', 'x'.repeat(60_000), ['Depth: infinity'])),
  {
    name: 'ask for much and take nothing',
    async run(open, token, goesOn) {
      const put = (await open()).on('data', () => undefined);
      put.write(whole(token, `PUT ${blockPath(HASH.digest(LARGE))}`, LARGE));
      await sleep(1000);
      const sockets: Socket[] = [];
      for (let i = 0; i < 60 && goesOn(); i++) {
        const socket = (await open()).pause();
        for (let ask = 0; ask < 8; ask++) socket.write(request(token, `GET ${blockPath(HASH.digest(LARGE))}`));
        sockets.push(socket);
      }
      while (goesOn()) await sleep(50);
      for (const socket of [put, ...sockets]) socket.destroy();
    },
  },
  {
    name: 'open 5,000 connections and say nothing',
    async run(open, _token, goesOn) {
      const sockets: Socket[] = [];
      for (let i = 0; i < 5000 && goesOn(); i++) sockets.push(await open());
      while (goesOn()) await sleep(50);
      for (const socket of sockets) socket.destroy();
    },
  },
];
