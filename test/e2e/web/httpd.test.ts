import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { linkSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text as textOf } from 'node:stream/consumers';
import { test } from 'node:test';
import { BOMBS } from '../../support/bombs/bombs.ts';
import { storeBomb } from '../../support/bombs/store-bombs.ts';
import { serve } from '../../support/links/served-program.ts';
import { recited, run, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { BIG, raw, site, treeUrl } from './site.ts';

test('a browser is led to the newest state, and lists it', async (t) => {
  const here = await site(t);
  const home = await fetch(here.url);
  assert.equal(home.status, 200);
  assert.match(home.url, /\/archive\/default\/$/);
  assert.match(await home.text(), /<a href="\.\/docs\/">docs\/<\/a>/);
  const docs = await (await fetch(`${here.url}archive/default/docs`)).text();
  assert.match(docs, /href="\.\/a%26b%20%27c%27%20%3Cd%3E\.txt\?view">a&amp;b &#39;c&#39; &lt;d&gt;\.txt</);
  assert.match(docs, /turn\\u202eed\.txt/);
  assert.match(docs, /<h1>Read &lt;b&gt;me&lt;\/b&gt;<\/h1>/);
  assert.deepEqual(await here.stop(), { status: 143, stderr: '' });
});

test('what is named by its content never changes; what is named by an archive is asked for again', async (t) => {
  const here = await site(t);
  const fixed = await fetch(treeUrl(here, 'docs/big.bin'));
  assert.equal(fixed.headers.get('cache-control'), 'public, max-age=31536000, immutable');
  assert.deepEqual(Buffer.from(await fixed.arrayBuffer()), BIG);
  const named = `${here.url}archive/default/docs/big.bin`;
  const first = await fetch(named);
  assert.equal(first.headers.get('cache-control'), 'no-cache');
  assert.equal((await fetch(treeUrl(here, 'docs/'))).headers.get('cache-control'), 'no-cache');
  await first.arrayBuffer();
  const etag = first.headers.get('etag') ?? '';
  assert.equal((await fetch(named, { headers: { 'if-none-match': etag } })).status, 304);
  writeFileSync(here.scratch.path('docs/big.bin'), 'another');
  const put = await vtftp(['-S', here.store, '-c', `put ${here.scratch.path('docs')} docs; quit`], { env: here.scratch.env });
  assert.equal(put.status, 0, put.report);
  assert.equal(await (await fetch(named, { headers: { 'if-none-match': etag } })).text(), 'another');
  assert.deepEqual(Buffer.from(await (await fetch(`${here.url}archive/default@1/docs/big.bin`)).arrayBuffer()), BIG);
  assert.match(
    await (await fetch(`${here.url}archive/default@1/?log`)).text(),
    /href="\/archive\/default@2\/"[\s\S]*href="\/archive\/default@1\/"/,
  );
});

test('ranges: one, several, the end, none; a changed content is sent whole', async (t) => {
  const here = await site(t);
  const url = treeUrl(here, 'docs/big.bin');
  const get = async (headers: Record<string, string>): Promise<Response> => await fetch(url, { headers });
  const one = await get({ range: 'bytes=70000-79999' });
  assert.equal(one.status, 206);
  assert.equal(one.headers.get('content-range'), 'bytes 70000-79999/1000000');
  assert.deepEqual(Buffer.from(await one.arrayBuffer()), BIG.subarray(70_000, 80_000));
  assert.deepEqual(Buffer.from(await (await get({ range: 'bytes=-7' })).arrayBuffer()), BIG.subarray(-7));
  const none = await get({ range: 'bytes=1000000-' });
  assert.equal(none.status, 416);
  assert.equal(none.headers.get('content-range'), 'bytes */1000000');
  const several = await get({ range: 'bytes=0-9,999990-' });
  const boundary = /boundary=(\w+)/.exec(several.headers.get('content-type') ?? '')?.[1] ?? '';
  const body = Buffer.from(await several.arrayBuffer()).toString('latin1');
  const part = (range: string, bytes: Buffer): string =>
    `--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${range}/1000000\r\n\r\n${bytes.toString('latin1')}\r\n`;
  assert.equal(body, `${part('0-9', BIG.subarray(0, 10))}${part('999990-999999', BIG.subarray(-10))}--${boundary}--\r\n`);
  assert.equal(several.headers.get('content-length'), String(body.length));
  const changed = await get({ range: 'bytes=0-9', 'if-range': '"another"' });
  assert.equal(changed.status, 200);
  assert.equal((await changed.arrayBuffer()).byteLength, BIG.length);
  const head = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
  assert.equal(head.status, 200);
  assert.equal(head.headers.get('content-length'), '1000000');
});

test('stored content runs no script, tells no other site of the reference, and has the type of its name', async (t) => {
  const here = await site(t);
  const page = await fetch(treeUrl(here, 'docs/page.html'));
  assert.equal(page.headers.get('content-type'), 'text/html; charset=utf-8');
  assert.match(page.headers.get('content-security-policy') ?? '', /^sandbox; default-src 'none'/);
  assert.equal(page.headers.get('x-content-type-options'), 'nosniff');
  assert.equal(page.headers.get('referrer-policy'), 'no-referrer');
  await page.text();
  const listing = await fetch(treeUrl(here, 'docs/'));
  const policy = listing.headers.get('content-security-policy') ?? '';
  const script = /<script>([\s\S]*?)<\/script>/.exec(await listing.text())?.[1] ?? '';
  assert.ok(policy.includes(`script-src 'sha256-${createHash('sha256').update(script).digest('base64')}';`), policy);
  const saved = await fetch(`${treeUrl(here, "docs/a%26b%20'c'%20%3Cd%3E.txt")}?download`);
  assert.equal(
    saved.headers.get('content-disposition'),
    `attachment; filename="a&b 'c' <d>.txt"; filename*=UTF-8''a&b%20%27c%27%20%3Cd%3E.txt`,
  );
  await saved.text();
});

test('a Block and what a superblock stands for are had by their names', async (t) => {
  const here = await site(t);
  const [, hex = ''] = /sha3-256:([\da-f]{64})/.exec(here.dirref) ?? [];
  const block = await fetch(`${here.url}h/${hex}.sha3-256`);
  const bytes = Buffer.from(await block.arrayBuffer());
  assert.equal(createHash('sha3-256').update(bytes).digest('hex'), hex);
  assert.equal(block.headers.get('etag'), `"sha3-256:${hex}"`);
  const inspected = await vtftp(['-S', here.store, '--json', '-c', 'inspect docs/big.bin'], { env: here.scratch.env });
  const superblock = /I\{1000000:B\{hash:H\{sha3-256:([\da-f]{64})\}/.exec(inspected.stdout)?.[1] ?? '';
  assert.notEqual(superblock, '', inspected.report);
  assert.deepEqual(Buffer.from(await (await fetch(`${here.url}i/${superblock}.sha3-256`)).arrayBuffer()), BIG);
  assert.equal((await fetch(`${here.url}h/${'0'.repeat(64)}.sha3-256`)).status, 404);
});

test('requests for what is not served get a status and one line', async (t) => {
  const here = await site(t);
  assert.equal(await (await fetch(`${here.url}docs/`)).text(), '404: nothing is here; trees are below /archive/\n');
  const cases: readonly (readonly [path: string, status: number])[] = [
    ['/nowhere', 404],
    ['/h/xyz', 404],
    ['/d/nonsense/', 400],
    ['/archive/default/%2e%2e/x', 400],
    ['/archive/default/../../etc/passwd', 400],
    ['/archive/default/a%00b', 400],
    ['/archive/default/%zz', 400],
    ['/archive/default/docs%2fbig.bin', 400],
    ['/archive/default//docs/', 400],
    ['/archive/default/%c0%ae%c0%ae/', 404],
    ['/archive/none/', 404],
    ['/archive/default@99/', 404],
    ['/archive/default/docs/none', 404],
    ['/archive/default/docs/big.bin/', 404],
    ['/archive/..%2f..%2fetc/', 404],
  ];
  for (const [path, status] of cases) {
    const { status: found, body } = await raw(here.url, path);
    assert.equal(found, status, `${path}: ${body}`);
    assert.match(body, /^\d{3}: [^\n]+\n$/);
  }
  assert.equal((await raw(here.url, '/', { host: 'evil.example' })).status, 421);
  // A whole URL as the target, as for a proxy: its host counts.
  assert.equal((await raw(here.url, `${here.url}store`, { host: 'evil.example' })).status, 200);
  assert.equal((await raw(here.url, 'http://evil.example/store')).status, 421);
  const put = await fetch(here.url, { method: 'PUT', body: 'x' });
  assert.equal(put.status, 405);
  assert.equal(put.headers.get('allow'), 'GET, HEAD, OPTIONS, PROPFIND');
  assert.equal((await fetch(treeUrl(here, 'docs/README.md'))).status, 200);
});

test('two lengths in one request are refused, and the connection ends', async (t) => {
  const here = await site(t);
  const { hostname, port } = new URL(here.url);
  const socket = connect(Number(port), hostname);
  socket.write(
    'GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /archive/default/ HTTP/1.1\r\nHost: localhost\r\n\r\n',
  );
  const answer = await textOf(socket);
  assert.match(answer, /^HTTP\/1\.1 400 /);
  assert.equal(answer.split('HTTP/1.1').length, 2, answer);
});

test('with a token each request has to bring it; without one httpd stays on this machine', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('token'), 'a-token-of-22-octets..\n', { mode: 0o600 });
  const here = await site(t, `httpd --token ${scratch.path('token')} 0`);
  const refused = await fetch(here.url);
  assert.equal(refused.status, 401);
  assert.match(refused.headers.get('www-authenticate') ?? '', /^Basic /);
  const served = await fetch(treeUrl(here, 'docs/README.md'), { headers: { authorization: 'Bearer a-token-of-22-octets..' } });
  assert.equal(served.status, 200);
  assert.match(served.headers.get('cache-control') ?? '', /^private/);
  writeFileSync(scratch.path('spaced'), 'sixteen octets and more\n', { mode: 0o600 });
  const spaced = await vtftp(['-S', here.store, '-c', `httpd --token ${scratch.path('spaced')} 0`], { env: scratch.env });
  assert.equal(spaced.status, 2, spaced.report);
  assert.match(spaced.stderr, /^httpd.*spaces/m);
  const open = await vtftp(['-S', here.store, '-c', 'httpd 0.0.0.0:0'], { env: here.scratch.env });
  assert.equal(open.status, 12, open.report);
  assert.match(open.stderr, /^httpd: 0\.0\.0\.0:0: .*other machines.*--token/m);
});

test('a damaged content is never sent as if it were whole', async (t) => {
  const here = await site(t);
  const files = readdirSync(join(here.store, 'data'), { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.name.endsWith('.vtd'),
  );
  const largest = files
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted((a, b) => statSync(b).size - statSync(a).size)
    .at(0);
  assert.ok(largest !== undefined);
  truncateSync(largest, Math.floor(statSync(largest).size / 2));
  const response = await fetch(treeUrl(here, 'docs/big.bin'));
  if (response.status === 200) await assert.rejects(response.arrayBuffer());
  else assert.ok(response.status === 404 || response.status === 500, String(response.status));
});

test('a listing is one JSON object, or a name a line', async (t) => {
  const here = await site(t);
  const listed = (await (await fetch(`${here.url}archive/default/docs/?json`)).json()) as {
    dirref: string;
    entries: { name: string; size: number; type: string }[];
  };
  assert.deepEqual(
    listed.entries.filter(({ name }) => name === 'big.bin').map(({ size, type }) => ({ size, type })),
    [{ size: BIG.length, type: 'file' }],
  );
  const opened = await vtftp(['-S', here.store, listed.dirref, '-c', 'cat README.md'], { env: here.scratch.env });
  assert.equal(opened.stdout.split('\n')[0], readFileSync(here.scratch.path('docs/README.md'), 'utf8').trim(), opened.report);
  // Without its slash the Dir is found by a redirect, in the form that was asked for.
  const simple = await (await fetch(`${here.url}archive/default/docs?simple`)).text();
  assert.match(simple, /^README\.md\n[\s\S]*\nbelow\/\n/);
  rmSync(here.scratch.path('docs'), { recursive: true });
});

test('two trees are compared by their Dirrefs, a text by its lines', async (t) => {
  const here = await site(t);
  writeFileSync(here.scratch.path('docs/README.md'), '# Read <b>me</b>\nagain\n');
  const put = await vtftp(['-S', here.store, '-c', `put ${here.scratch.path('docs')} docs; quit`], { env: here.scratch.env });
  const [before, after] = [here.dirref, recited(put)];
  const page = async (path: string): Promise<string> => await (await fetch(here.url + path)).text();
  const compared = `d/${encodeURIComponent(after)}/docs/?diff=${encodeURIComponent(before)}`;
  assert.match(await page(compared), /0 new, 1 changed, 0 gone/);
  const uri = `x-vt:/${encodeURIComponent(before)}`;
  const link = /href="\.(\/README\.md\?diff=[^"]*)"/.exec(
    await page(`d/${encodeURIComponent(after)}/docs/?diff=${encodeURIComponent(uri)}`),
  );
  const lines = await page(`d/${encodeURIComponent(after)}/docs${link?.[1] ?? ''}`);
  assert.match(lines, /<ins>\+again\n<\/ins>/);
  assert.match(await page('archive/default/docs/README.md?diff=1'), /<ins>\+again\n<\/ins>/);
  for (const path of ['archive/default/docs/', 'archive/default/docs/README.md'])
    assert.equal(await page(`${path}?diff=%401`), await page(`${path}?diff=1`), 'an @ before a state may be typed');
  for (const [path, says] of [
    ['archive/default/docs/?diff=%4099', '404: "@99": no such state\n'],
    ['archive/default/docs/README.md?diff=soon', '404: "@soon": no state has that tag, and it is not a date\n'],
    ['archive/default@99/docs/', '404: "@99": no such state\n'],
  ] as const)
    assert.equal(await (await fetch(here.url + path)).text(), says);
  assert.match(await page('archive/default/docs/README.md?log'), /href="\/archive\/default@2\/docs\/README\.md\?diff=1"/);
  assert.match(await page(`archive/default/docs/?diff=${encodeURIComponent(before)}`), /0 new, 1 changed, 0 gone/);
  for (const [query, status] of [
    ['1', 400],
    ['D{nonsense', 400],
    [`D{block:B{hash:H{sha3-256:${'0'.repeat(64)}}}}`, 404],
  ] as const)
    assert.equal((await fetch(`${here.url}d/${encodeURIComponent(after)}/docs/?diff=${query}`)).status, status, query);
});

test('checksums of a Dir are what sha256sum checks', async (t) => {
  const here = await site(t);
  writeFileSync(here.scratch.path('docs/below/line\nfeed\\'), 'odd name\n');
  const put = await vtftp(['-S', here.store, '-c', `put ${here.scratch.path('docs')} docs; quit`], { env: here.scratch.env });
  assert.equal(put.status, 0, put.report);
  const sums = await (await fetch(`${here.url}archive/default/docs/?sha256`)).text();
  assert.equal(sums.trimEnd().split('\n').length, 6);
  writeFileSync(here.scratch.path('sums'), sums);
  const checked = await run('sh', ['-c', `cd ${here.scratch.path('docs')} && sha256sum --strict -c ../sums`]);
  assert.equal(checked.status, 0, checked.report);
  const one = await (await fetch(`${here.url}archive/default/docs/big.bin?sha256`)).text();
  assert.equal(one, `${createHash('sha256').update(BIG).digest('hex')}  big.bin\n`);
});

test('a Dir is a tar that is always the same, of which any part is served', async (t) => {
  const here = await site(t);
  const long = 'n'.repeat(120);
  const docs = here.scratch.path('docs');
  writeFileSync(join(docs, long), 'a long name\n');
  linkSync(join(docs, long), join(docs, 'linked'));
  utimesSync(join(docs, long), 1_700_000_000.5, 1_700_000_000.5);
  const put = await vtftp(['-S', here.store, '-c', `put ${docs} docs; quit`], { env: here.scratch.env });
  assert.equal(put.status, 0, put.report);
  const url = `${here.url}archive/default/docs/?tar`;
  const response = await fetch(url);
  const tar = Buffer.from(await response.arrayBuffer());
  assert.equal(response.headers.get('content-length'), String(tar.length));
  const head = await fetch(url, { method: 'HEAD' });
  assert.equal(head.headers.get('etag'), response.headers.get('etag'));
  const parts = [];
  for (const [start, end] of [
    [0, 1],
    [1, 700],
    [700, 1536],
    [1536, 600_001],
    [600_001, tar.length],
  ] as const) {
    const part = await fetch(url, { headers: { range: `bytes=${start}-${end - 1}` } });
    assert.equal(part.status, 206);
    parts.push(Buffer.from(await part.arrayBuffer()));
  }
  assert.ok(Buffer.concat(parts).equals(tar));
  writeFileSync(here.scratch.path('docs.tar'), tar);
  const out = here.scratch.mkdir('out');
  const extracted = await run('tar', ['-xpf', here.scratch.path('docs.tar'), '-C', out]);
  assert.equal(extracted.status, 0, extracted.report);
  // What tar takes out is what was put in: contents, links, modes, times.
  const compared = await run('rsync', ['-aHni', '--delete', `${docs}/`, `${join(out, 'docs')}/`]);
  assert.equal(compared.stdout, '', compared.report);
});

test('many tars of a tree without end leave room for others', async (t) => {
  const scratch = makeScratch(t);
  const bomb = BOMBS.find(({ name }) => name === 'Dirs that are one: 30 levels of two');
  assert.ok(bomb !== undefined);
  const store = scratch.path('store');
  await storeBomb(store, bomb);
  const { address } = await serve(scratch, store, 'httpd 0');
  const { hostname, port } = new URL(address);
  const greedy = Array.from({ length: 100 }, () => connect(Number(port), hostname).on('error', () => undefined));
  t.after(() => {
    for (const socket of greedy) socket.destroy();
  });
  for (const socket of greedy) socket.write('GET /archive/default/?tar HTTP/1.1\r\nHost: localhost\r\n\r\n');
  await Promise.all(greedy.map(async (socket) => (socket.connecting ? await once(socket, 'connect') : undefined)));
  // A request that the server takes more than ten seconds to read is refused.
  assert.equal(await (await fetch(`${address}archive/default/good`)).text(), 'good\n');
});
