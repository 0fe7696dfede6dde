import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { serve } from '../../support/links/served-program.ts';
import { recited, vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeRandom } from '../../support/random.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

/** nginx with the configuration of the documentation, in front of a server. @returns its URL, with a slash at its end */
async function nginxBefore(scratch: Scratch, origin: string): Promise<string> {
  const folder = scratch.mkdir('nginx');
  for (const name of ['cache', 'logs', 'temp']) mkdirSync(join(folder, name));
  const docs = readFileSync(join(PROJECT_ROOT, 'docs/http-caches.md'), 'utf8');
  const recipe = /<!-- file: nginx\.conf -->\n```nginx\n([\s\S]*?)```/.exec(docs)?.[1] ?? '';
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  const http = recipe.replace('listen 80;', `listen 127.0.0.1:${port};`).replace('127.0.0.1:8080', new URL(origin).host);
  assert.notEqual(http, recipe);
  const temp = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path temp/${name};`).join('\n');
  writeFileSync(
    join(folder, 'nginx.conf'),
    `user root;\ndaemon off;\nmaster_process off;\npid nginx.pid;\nerror_log logs/error.log;\nevents {}\nhttp {\naccess_log off;\n${temp}\n${http}}\n`,
  );
  const child = spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', join(folder, 'logs/error.log')], {
    stdio: 'inherit',
  });
  scratch.beforeRemoval(() => child.kill('SIGKILL'));
  // It says nothing when it listens.
  for (let tries = 0; ; tries++) {
    const socket = connect(port, '127.0.0.1');
    const isUp = await new Promise<boolean>((resolve) => socket.once('connect', () => resolve(true)).once('error', () => resolve(false)));
    socket.destroy();
    if (isUp) break;
    if (tries === 300 || child.exitCode !== null) assert.fail(readFileSync(join(folder, 'logs/error.log'), 'utf8'));
    await pause(100);
  }
  return `http://127.0.0.1:${port}/`;
}

test('nginx, as the documentation configures it, keeps what never changes, ranges of it too, and nothing else', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  const data = makeRandom(7).bytes(3_000_000);
  writeFileSync(join(docs, 'data'), data);
  writeFileSync(join(docs, 'empty'), '');
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} /; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const origin = await serve(scratch, store, 'httpd 0');
  const url = await nginxBefore(scratch, origin.address);
  const tree = `${url}d/${encodeURIComponent(recited(put))}/docs/`;
  const get = async (at: string, headers: Record<string, string> = {}): Promise<{ status: number; cache: string | null; body: Buffer }> => {
    const response = await fetch(at, { headers });
    return { status: response.status, cache: response.headers.get('x-cache'), body: Buffer.from(await response.arrayBuffer()) };
  };

  const part = await get(`${tree}data`, { range: 'bytes=1000000-1999999' });
  assert.deepEqual([part.status, part.cache], [206, 'MISS']);
  assert.ok(part.body.equals(data.subarray(1_000_000, 2_000_000)));
  assert.equal((await get(`${tree}data`, { range: 'bytes=1500000-1500009' })).cache, 'HIT');
  assert.ok((await get(`${tree}data`)).body.equals(data));
  assert.deepEqual(await get(`${tree}empty`), { status: 200, cache: 'MISS', body: Buffer.alloc(0) });
  assert.match((await get(tree)).body.toString(), /href="\.\/data"/);

  const absent = `${url}h/${'00'.repeat(32)}.sha3-256`;
  for (const [path, status] of [
    [absent, 404],
    [absent, 404],
    [`${url}archive/default/docs/data`, 200],
    [`${url}archive/default/docs/data`, 200],
  ] as const) {
    const found = await get(path);
    assert.deepEqual([found.status, found.cache], [status, 'MISS'], path);
  }

  // The second machine has all contents from the cache: the server is stopped in between, but for what names the state.
  const pull = async (name: string): Promise<void> => {
    const pulled = await vtftp(['-S', scratch.path(name), '-c', `pull --peer ${url}; get docs ${scratch.path(`${name}-got`)}`], { env });
    assert.equal(pulled.status, 0, pulled.report);
    assert.ok(readFileSync(scratch.path(`${name}-got/data`)).equals(data));
  };
  await pull('first');
  const before = await requestsOf(origin.address);
  await pull('second');
  const asked = (await requestsOf(origin.address)) - before;
  assert.ok(asked < 8, `${asked} requests came through`);
});

async function requestsOf(origin: string): Promise<number> {
  const metrics = await (await fetch(`${origin}metrics`)).text();
  return Number(/requests_total\{code="2xx"\} (\d+)/.exec(metrics)?.[1]);
}
