import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { buffer, text as textOf } from 'node:stream/consumers';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { isInstalled } from '../../support/needed-programs.ts';
import { recited, run, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

async function site(
  t: TestContext,
): Promise<{ readonly scratch: Scratch; readonly address: string; readonly docs: string; readonly dirref: string }> {
  const scratch = makeScratch(t);
  const docs = scratch.mkdir('docs');
  mkdirSync(join(docs, 'below/empty'), { recursive: true });
  writeFileSync(join(docs, 'a&b <c> "d" 100%.txt'), 'odd\n');
  writeFileSync(join(docs, 'ünï #1?.bin'), Buffer.alloc(300_000, 'binary\0'));
  writeFileSync(join(docs, 'below/file'), 'text\n');
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} /; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const { address } = await serve(scratch, store, 'httpd 0');
  return { scratch, address, docs, dirref: recited(put) };
}

test('rclone and cadaver read a tree by WebDAV as it was put', async (t) => {
  const { scratch, address, docs, dirref } = await site(t);
  const { env } = scratch;
  for (const [name, base] of [
    ['archive', `${address}archive/default/`],
    ['reference', `${address}d/${encodeURIComponent(dirref)}/`],
  ] as const) {
    const got = scratch.path(name);
    const copied = await run('rclone', ['copy', '--create-empty-src-dirs', '--webdav-url', base, ':webdav:docs', got], { env });
    assert.equal(copied.status, 0, copied.report);
    const compared = await run('diff', ['-r', docs, got]);
    assert.deepEqual([compared.status, compared.stdout], [0, '']);
  }
  writeFileSync(scratch.path('commands'), `cd docs/below\nget file ${scratch.path('by-cadaver')}\nquit\n`);
  const browsed = await run('sh', ['-c', 'cadaver "$1" < "$2"', 'sh', `${address}archive/default/`, scratch.path('commands')], { env });
  assert.equal(readFileSync(scratch.path('by-cadaver'), 'utf8'), 'text\n', browsed.report);
});

/** What litmus asks of reading; the rest of its tests write. */
const READS: Readonly<Record<string, readonly string[]>> = {
  basic: ['options', 'put_get', 'put_get_utf8_segment'],
  props: ['propfind_invalid', 'propfind_invalid2', 'propfind_d0', 'propextended', 'propwformed'],
  http: ['expect100'],
};

/** A relay before a server that takes what is written, so that litmus goes on, and keeps it for the test to store. */
async function writableRelay(t: TestContext, to: URL): Promise<{ readonly url: string; readonly written: ReadonlyMap<string, Buffer> }> {
  const written = new Map<string, Buffer>();
  const relay = createServer((asked, answer) => {
    const { method = '', url: path = '', headers } = asked;
    if (['MKCOL', 'PUT', 'DELETE'].includes(method)) {
      void buffer(asked).then((body) => {
        if (method === 'PUT') written.set(decodeURIComponent(path), body);
        answer.writeHead(method === 'DELETE' ? 204 : 201).end();
      });
      return;
    }
    const onward = httpRequest({ hostname: to.hostname, port: to.port, path, method, headers }, (found) => {
      answer.writeHead(found.statusCode ?? 0, found.headers);
      found.pipe(answer);
    });
    asked.pipe(onward.on('error', () => answer.destroy()));
  }).listen(0, '127.0.0.1');
  await once(relay, 'listening');
  t.after(() => relay.close());
  return { url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}/`, written };
}

const noLitmus = isInstalled('litmus') ? false : 'litmus is needed (apt-get install litmus)';

test('litmus finds nothing wrong with what it reads', { skip: noLitmus }, async (t) => {
  const { scratch, address, docs } = await site(t);
  const relay = await writableRelay(t, new URL(address));
  const litmus = async (suite: string): Promise<Map<string, string>> => {
    const words = ['-c', `cd ${scratch.folder} && TESTS=${suite} litmus -k ${relay.url}archive/default/docs/`];
    const { stdout } = await run('sh', words, { env: scratch.env });
    return new Map([...stdout.matchAll(/\b\d+\. (\w+)\.+ ([A-Z]+|pass)/g)].map(([, name = '', result = '']) => [name, result]));
  };
  // What it writes is in the tree when it reads that again.
  mkdirSync(join(docs, 'litmus'));
  for (const suite of Object.keys(READS)) await litmus(suite);
  for (const [path, body] of relay.written) {
    const name = path.split('/docs/litmus/')[1];
    if (name !== undefined && !name.includes('/')) writeFileSync(join(docs, 'litmus', name), body);
  }
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${docs} /; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  for (const [suite, names] of Object.entries(READS)) {
    const results = await litmus(suite);
    for (const name of names) assert.match(results.get(name) ?? '', /^(?:pass|WARNING)$/, `${suite} ${name}`);
  }
});

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
}

async function ask(url: string, method: string, headers: Record<string, string>, body = '', agent = new Agent()): Promise<Answer> {
  return await new Promise((resolve, reject) => {
    httpRequest(url, { method, headers, agent }, (response) => {
      void textOf(response).then((text) => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text }), reject);
    })
      .on('error', reject)
      .end(body);
  });
}

test('WebDAV reads one level at a time, and writes nothing', async (t) => {
  const { address, docs } = await site(t);
  const url = `${address}archive/default/docs/`;
  const options = await ask(url, 'OPTIONS', {});
  assert.deepEqual([options.status, options.headers['dav'], options.headers['allow']], [204, '1', 'GET, HEAD, OPTIONS, PROPFIND']);
  for (const [path, depth, status] of [
    ['', '0', 207],
    ['', '1', 207],
    ['below', '1', 207],
    ['below/file', '1', 207],
    ['below/file', 'infinity', 207],
    ['', 'infinity', 403],
    ['', '', 403],
    ['nothing', '0', 404],
    ['%zz', '0', 400],
  ] as const)
    assert.equal((await ask(url + path, 'PROPFIND', depth === '' ? {} : { depth })).status, status, `${path} ${depth}`);
  assert.equal((await ask(`${address}store`, 'PROPFIND', { depth: '0' })).status, 404);
  assert.equal((await ask(url, 'PROPFIND', { depth: '0' }, ' '.repeat(70_000))).status, 413);
  for (const method of ['PUT', 'DELETE', 'MKCOL', 'MOVE', 'COPY', 'PROPPATCH', 'LOCK', 'UNLOCK', 'POST']) {
    const refused = await ask(`${url}new`, method, {});
    assert.deepEqual([refused.status, refused.headers['allow']], [405, 'GET, HEAD, OPTIONS, PROPFIND'], method);
  }
  assert.equal((await ask(url, 'PROPFIND', { depth: '0' }, '<D:foo')).status, 400);
  const asked = '<D:propfind xmlns:D="DAV:"><D:prop><D:getetag/><D:lockdiscovery/><x xmlns="u:&amp;"/></D:prop></D:propfind>';
  const some = await ask(`${url}below/file`, 'PROPFIND', { depth: '0' }, asked);
  assert.match(some.body, /<D:prop><D:getetag>[^<]+<\/D:getetag><\/D:prop><D:status>HTTP\/1\.1 200 OK</);
  assert.match(some.body, /<D:prop><D:lockdiscovery\/><x xmlns="u:&amp;amp;"\/><\/D:prop><D:status>HTTP\/1\.1 404 Not Found</);
  const { body } = await ask(url, 'PROPFIND', { depth: '1' });
  assert.equal(body.match(/<D:response>/g)?.length, 4);
  assert.match(body, /<D:displayname>a&amp;b &lt;c&gt; &quot;d&quot; 100%\.txt</);
  const checked = await run('python3', ['-c', 'import sys,xml.dom.minidom as m; m.parseString(sys.argv[1].encode())', body]);
  assert.equal(checked.status, 0, checked.report);
  assert.equal(readFileSync(join(docs, 'below/file'), 'utf8'), 'text\n');
});

test('a connection stays after a PROPFIND with a body; links to Dirs are no way down', async (t) => {
  const { scratch, address, docs } = await site(t);
  symlinkSync('.', join(docs, 'again'));
  symlinkSync('below/file', join(docs, 'link'));
  symlinkSync('nowhere', join(docs, 'broken'));
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${docs} /; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  t.after(() => agent.destroy());
  const url = `${address}archive/default/docs/`;
  for (let i = 0; i < 3; i++) {
    const { body, headers } = await ask(
      url,
      'PROPFIND',
      { depth: '1' },
      '<?xml version="1.0"?><propfind xmlns="DAV:"><allprop/></propfind>',
      agent,
    );
    assert.equal(headers['connection'], 'keep-alive');
    assert.match(body, /docs\/link<\/D:href>.*<D:getcontentlength>5</);
    assert.doesNotMatch(body, /again|broken/);
  }
});
