import assert from 'node:assert/strict';
import type { IncomingHttpHeaders } from 'node:http';
import { request as httpRequest } from 'node:http';
import { buffer } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import { digestHex } from '../../../core/block/hashcode.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import type { WebServer } from '../../../core/http/server.ts';
import { serveWeb } from '../../../core/http/server.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { joinPath, ROOT_PATH } from '../../../core/tree/path.ts';

const TEXT = 'the words of a file, which are long enough to be cut in several parts\n';
const MTIME = new Date('2026-11-22T16:17:01.500Z');
const [BEFORE, SAME, LATER] = ['Sun, 22 Nov 2026 16:17:00 GMT', 'Sun, 22 Nov 2026 16:17:01 GMT', 'Sun, 22 Nov 2026 16:17:02 GMT'];

/** Requests for a file of {@link TEXT}, what the server has to answer, and where that is said. `ETAG` stands for the file's. */
const FILE: readonly (readonly [
  section: string,
  headers: Readonly<Record<string, string>>,
  status: number,
  expected: Readonly<Record<string, string | RegExp | undefined>>,
  method?: string,
])[] = [
  ['8.8.2 Last-Modified has no fraction', {}, 200, { 'last-modified': SAME }],
  ['8.8.3 the entity tag is strong', {}, 200, { etag: /^"[!#-~]+"$/ }],
  ['8.6 Content-Length is that of the content', {}, 200, { 'content-length': String(TEXT.length) }],
  ['9.3.2 HEAD has the headers of GET', {}, 200, { 'content-length': String(TEXT.length), etag: 'ETAG' }, 'HEAD'],
  ['14.2 Range is for GET', { range: 'bytes=0-3' }, 200, { 'content-range': undefined }, 'HEAD'],
  ['13.1.1 If-Match: the tag', { 'if-match': 'ETAG' }, 200, {}],
  ['13.1.1 If-Match: one of several', { 'if-match': '"a", ETAG' }, 200, {}],
  ['13.1.1 If-Match: *', { 'if-match': '*' }, 200, {}],
  ['13.1.1 If-Match compares strongly', { 'if-match': 'W/ETAG' }, 412, {}],
  ['13.1.1 If-Match: another', { 'if-match': '"a"' }, 412, {}],
  ['13.1.2 If-None-Match: the tag', { 'if-none-match': 'ETAG' }, 304, { etag: 'ETAG', 'content-length': undefined }],
  ['13.1.2 If-None-Match compares weakly', { 'if-none-match': 'W/ETAG' }, 304, {}],
  ['13.1.2 If-None-Match: *', { 'if-none-match': '*' }, 304, {}],
  ['13.1.2 If-None-Match: another', { 'if-none-match': '"a"' }, 200, {}],
  ['13.1.2 with HEAD', { 'if-none-match': 'ETAG' }, 304, {}, 'HEAD'],
  ['13.1.3 If-Modified-Since: the same', { 'if-modified-since': SAME }, 304, {}],
  ['13.1.3 If-Modified-Since: earlier', { 'if-modified-since': BEFORE }, 200, {}],
  ['13.1.3 If-Modified-Since: no date', { 'if-modified-since': 'yesterday' }, 200, {}],
  ['13.1.3 is ignored beside If-None-Match', { 'if-modified-since': SAME, 'if-none-match': '"a"' }, 200, {}],
  ['13.1.4 If-Unmodified-Since: later', { 'if-unmodified-since': LATER }, 200, {}],
  ['13.1.4 If-Unmodified-Since: earlier', { 'if-unmodified-since': BEFORE }, 412, {}],
  ['13.1.4 is ignored beside If-Match', { 'if-unmodified-since': BEFORE, 'if-match': 'ETAG' }, 200, {}],
  ['13.2.2 If-Match goes before If-None-Match', { 'if-match': '"a"', 'if-none-match': 'ETAG' }, 412, {}],
  ['13.2.2 If-None-Match goes before Range', { 'if-none-match': 'ETAG', range: 'bytes=0-3' }, 304, {}],
  ['13.1.5 If-Range: the tag', { 'if-range': 'ETAG', range: 'bytes=0-3' }, 206, { 'content-length': '4' }],
  ['13.1.5 If-Range: another', { 'if-range': '"a"', range: 'bytes=0-3' }, 200, {}],
  ['13.1.5 If-Range compares strongly', { 'if-range': 'W/ETAG', range: 'bytes=0-3' }, 200, {}],
  ['13.1.5 If-Range: the date', { 'if-range': SAME, range: 'bytes=0-3' }, 206, {}],
  ['13.1.5 If-Range: a later date is another', { 'if-range': LATER, range: 'bytes=0-3' }, 200, {}],
  ['14.1.2 a suffix', { range: 'bytes=-5' }, 206, { 'content-range': `bytes ${TEXT.length - 5}-${TEXT.length - 1}/${TEXT.length}` }],
  ['14.1.2 open at its end', { range: 'bytes=5-' }, 206, { 'content-range': `bytes 5-${TEXT.length - 1}/${TEXT.length}` }],
  ['14.1.2 beyond the end', { range: 'bytes=5-9999' }, 206, { 'content-range': `bytes 5-${TEXT.length - 1}/${TEXT.length}` }],
  ['14.2 another unit is ignored', { range: 'lines=1-2' }, 200, {}],
  ['14.2 nonsense is ignored', { range: 'bytes=x' }, 200, {}],
  ['14.3 Accept-Ranges', {}, 200, { 'accept-ranges': 'bytes' }],
  [
    '14.6 several ranges',
    { range: 'bytes=0-3,10-13' },
    206,
    { 'content-type': /^multipart\/byteranges; boundary=/, 'content-range': undefined },
  ],
  ['15.3.7 a part has the tag of the whole', { range: 'bytes=0-3' }, 206, { etag: 'ETAG', 'last-modified': SAME }],
  ['15.5.17 unsatisfiable', { range: 'bytes=9999-' }, 416, { 'content-range': `bytes */${TEXT.length}` }],
  ['15.5.6 other methods', {}, 405, { allow: 'GET, HEAD, OPTIONS, PROPFIND' }, 'DELETE'],
  ['9.3.7 OPTIONS', {}, 204, { allow: 'GET, HEAD, OPTIONS, PROPFIND' }, 'OPTIONS'],
];

/** Requests for other paths: `TREE` is a Dir of one file, `BLOCK` that of the file. Rules of path gateways of IPFS that hold here too. */
const PATHS: readonly (readonly [
  rule: string,
  path: string,
  headers: Readonly<Record<string, string>>,
  status: number,
  expected: Readonly<Record<string, string | RegExp | undefined>>,
])[] = [
  ['content never changes', '/d/TREE/file.txt', {}, 200, { 'cache-control': 'public, max-age=31536000, immutable' }],
  ['a Block never changes', '/h/BLOCK', {}, 200, { 'cache-control': 'public, max-age=31536000, immutable' }],
  ['a listing has a tag of its own kind', '/d/TREE/', {}, 200, { etag: /^"page-/, 'cache-control': 'no-cache' }],
  ['JSON has another', '/d/TREE/?json', {}, 200, { etag: /^"json-/ }],
  ['a Dir without its slash', '/d/TREE', {}, 301, { location: '/d/TREE/' }],
  ['the query stays', '/d/TREE?json', {}, 301, { location: '/d/TREE/?json' }],
  ['a file has no slash', '/d/TREE/file.txt/', {}, 404, { 'cache-control': 'no-store' }],
  ['a name that is not there', '/d/TREE/nothing', {}, 404, { 'cache-control': 'no-store' }],
  ['a Block that is not there', `/h/${'0'.repeat(64)}.sha3-256`, {}, 404, { 'cache-control': 'no-store' }],
  ['a Block of no known hash', '/h/00.md5', {}, 404, {}],
  [
    'names in both forms',
    '/d/TREE/file.txt?download',
    {},
    200,
    { 'content-disposition': /^attachment; filename="file\.txt"; filename\*=UTF-8''file\.txt$/ },
  ],
  ['no path leads outside', '/d/TREE/../../etc/passwd', {}, 400, {}],
  ['nor a hidden one', '/d/TREE/%2e%2e/x', {}, 400, {}],
  ['a NUL', '/d/TREE/a%00b', {}, 400, {}],
  ['half an escape', '/d/TREE/%e', {}, 400, {}],
  [
    'types are not guessed',
    '/d/TREE/file.txt',
    {},
    200,
    { 'x-content-type-options': 'nosniff', 'content-type': 'text/plain; charset=utf-8' },
  ],
  ['no other site is told', '/d/TREE/', {}, 200, { 'referrer-policy': 'no-referrer' }],
  ['compressed is another representation', '/d/TREE/', { 'accept-encoding': 'gzip' }, 200, { etag: /-gzip"$/, vary: 'accept-encoding' }],
];

let server: WebServer;
let tree: string;
let block: string;
let etag: string;

before(async () => {
  const store = new MemoryStore();
  const { hashcode } = await store.add(Buffer.from(TEXT));
  const content = { kind: 'hash', span: TEXT.length, hashcode } as const;
  await using live = openLiveTree(store, undefined);
  const meta = { mtimeNs: BigInt(MTIME.getTime()) * 1_000_000n };
  await live.bind(joinPath(ROOT_PATH, 'file.txt' as Octets), { kind: 'file', name: 'file.txt' as Octets, meta, block: content });
  tree = encodeURIComponent(formatDirent({ ...(await live.sync()), name: '' as Octets }));
  block = `${digestHex(hashcode.digest)}.${hashcode.hashName}`;
  server = await serveWeb({
    host: '127.0.0.1',
    port: 0,
    service: {
      store,
      archive: undefined,
      home: async () => await Promise.resolve('/'),
      isPublic: true,
      now: () => new Date(),
      onFailure: () => undefined,
    },
    access: { table: undefined, hosts: new Set() },
  });
  etag = String((await ask('GET', '/d/TREE/file.txt', {})).headers.etag);
  assert.ok(formatBlock(content).includes(etag.slice(-65, -1)));
});
after(async () => {
  await server[Symbol.asyncDispose]();
});

async function ask(
  method: string,
  path: string,
  given: Readonly<Record<string, string>>,
): Promise<{ readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: string }> {
  const { hostname, port } = new URL(server.url);
  const headers = Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value.replace('ETAG', etag)]));
  return await new Promise((resolve, reject) => {
    httpRequest({ hostname, port, method, path: path.replace('TREE', tree).replace('BLOCK', block), headers }, (response) => {
      buffer(response).then(
        (body) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: body.toString() }),
        reject,
      );
    })
      .on('error', reject)
      .end();
  });
}

function check(headers: IncomingHttpHeaders, expected: Readonly<Record<string, string | RegExp | undefined>>): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = headers[name]?.toString();
    if (value instanceof RegExp) assert.match(found ?? '', value, name);
    else assert.equal(found, value?.replace('ETAG', etag).replace('TREE', tree), name);
  }
}

for (const [section, headers, status, expected, method = 'GET'] of FILE) {
  test(`RFC 9110, ${section}`, async () => {
    const answer = await ask(method, '/d/TREE/file.txt', headers);
    assert.equal(answer.status, status);
    check(answer.headers, expected);
    if (status === 304 || status === 412 || method === 'HEAD') assert.equal(answer.body, '');
    else if (status === 200) assert.equal(answer.body, TEXT);
  });
}

for (const [rule, path, headers, status, expected] of PATHS) {
  test(`of paths: ${rule}`, async () => {
    // The second answer may be one that was kept.
    for (const time of ['first', 'second']) {
      const answer = await ask('GET', path, headers);
      assert.equal(answer.status, status, `${time}: ${answer.body}`);
      check(answer.headers, expected);
    }
  });
}
