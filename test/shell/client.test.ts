import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import { type Client, connect, type VtftpError } from 'vtftp';
import { run } from '../support/program.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch, type Scratch } from '../support/scratch.ts';

/** A client over a Store that holds `docs`: two files, one of 2.5 MiB, and a Dir. */
async function opened(t: TestContext): Promise<{ readonly client: Client; readonly scratch: Scratch; readonly large: Buffer }> {
  const scratch = makeScratch(t);
  scratch.mkdir('docs/below');
  const large = Buffer.alloc(2.5 * 1024 * 1024, 'vtftp and more');
  writeFileSync(scratch.path('docs/large'), large);
  writeFileSync(scratch.path('docs/below/a b;*'), 'text');
  const client = await connect({ store: scratch.path('store'), cwd: scratch.folder, env: { ...process.env, ...scratch.env } });
  await client.put('docs');
  return { client, scratch, large };
}

async function contentOf(parts: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const all: Uint8Array[] = [];
  for await (const part of parts) all.push(part);
  return Buffer.concat(all);
}

describe('the client for programs', () => {
  it('walks a tree and reads what it finds, one within the other', async (t) => {
    const { client, large } = await opened(t);
    const found = new Map<string, number>();
    for await (const entry of client.walk()) {
      const content = entry.type === 'file' ? await contentOf(client.read(entry.pathBytes)) : undefined;
      found.set(entry.path, content?.length ?? -1);
    }
    assert.deepEqual(
      [...found],
      [
        ['/docs', -1],
        ['/docs/below', -1],
        ['/docs/below/a b;*', 4],
        ['/docs/large', large.length],
      ],
    );
    assert.ok((await contentOf(client.read('/docs/large'))).equals(large));
    assert.ok((await contentOf(client.read('/docs/large', { start: 5, end: 2_000_000 }))).equals(large.subarray(5, 2_000_000)));
    assert.ok((await contentOf(client.read('/docs/large', { start: large.length - 3 }))).equals(large.subarray(-3)));
    assert.equal((await contentOf(client.read('/docs/large', { start: large.length + 9 }))).length, 0);
    await client.close();
  });

  it('puts several names under their own, and lists the working Dir', async (t) => {
    const { client, scratch } = await opened(t);
    for (const name of ['one', 'two']) writeFileSync(scratch.path(name), name);
    await client.run(['cd', 'docs']);
    await client.put(['one', 'two']);
    assert.deepEqual(
      (await client.list('')).map(({ path }) => path),
      ['/docs/below', '/docs/large', '/docs/one', '/docs/two'],
    );
    await client.close();
    await client.close();
  });

  it('a program that was killed, or is another, ends every call with an error', async (t) => {
    const { client } = await opened(t);
    await assert.rejects(client.run(['!', 'kill -9 $PPID']), { name: 'VtftpError' });
    await assert.rejects(client.close(), { name: 'VtftpError' });
    await assert.rejects(connect({ program: ['echo', 'hello'] }), /not an answer: hello/);
  });

  it('thousands of calls side by side are answered, and the first of them can be cancelled', async (t) => {
    const { client } = await opened(t);
    const controller = new AbortController();
    const first = client.run(['!', 'exec sleep 600'], { signal: controller.signal });
    const others = Array.from({ length: 3000 }, async () => await client.stat('/docs'));
    controller.abort(new Error('enough'));
    await assert.rejects(first, /enough/);
    assert.equal((await Promise.all(others)).length, 3000);
    await client.close();
  });

  it('names that are no UTF-8 come and go as bytes', async (t) => {
    const { client } = await opened(t);
    const name = Buffer.from('docs/\xff\n', 'latin1');
    await client.run(['mkdir', name]);
    const listed = (await client.list('/docs')).find(({ pathBytes }) =>
      Buffer.from(pathBytes).equals(Buffer.concat([Buffer.from('/'), name])),
    );
    assert.equal(listed?.type, 'dir');
    await client.run(['rmdir', listed.pathBytes]);
    assert.equal((await client.list('/docs')).length, 2);
    await client.close();
  });

  it('tells what failed as an error that a program can act on', async (t) => {
    const { client } = await opened(t);
    await assert.rejects(client.stat('/none'), { name: 'VtftpError', code: 'EFAILED', errno: 'ENOENT', path: '/none', status: 1 });
    await assert.rejects(client.run(['nosuch']), { code: 'EUSAGE', status: 2 });
    await assert.rejects(client.run(['stat', '/docs', '/none', '/nor']), (error: VtftpError) => {
      assert.deepEqual([error.status, error.code, error.failures.map(({ path }) => path)], [3, 'EPARTIAL', ['/none', '/nor']]);
      return true;
    });
    const scratch = makeScratch(t);
    await assert.rejects(connect({ source: scratch.path('nowhere'), env: { ...process.env, ...scratch.env } }), {
      code: 'EOPEN',
      status: 10,
    });
    await assert.rejects(connect({ program: [scratch.path('nowhere')] }), /cannot start/);
    await client.close();
  });

  it('a signal cancels a call, and the session goes on', async (t) => {
    const { client } = await opened(t);
    const controller = new AbortController();
    const asked = client.run(['!', 'exec sleep 600'], { signal: controller.signal });
    const next = client.stat('/docs');
    controller.abort(new Error('enough'));
    await assert.rejects(asked, /enough/);
    assert.equal((await next).type, 'dir');
    await assert.rejects(client.list('/', { signal: controller.signal }), /enough/);
    await client.close();
  });

  it('records states, tells what changed in them, and recites the tree at its end', async (t) => {
    const { client, scratch } = await opened(t);
    const first = await client.sync('the first');
    assert.match(String(first), /^D\{/);
    await client.run(['rm', '/docs/large']);
    const last = await client.close();
    assert.notEqual(last, first);
    await assert.rejects(client.list(), /has ended/);
    const again = await connect({ source: String(last), store: scratch.path('store'), env: { ...process.env, ...scratch.env } });
    assert.deepEqual(
      (await again.list('/docs')).map(({ name }) => name),
      ['below'],
    );
    await again.close();
    const history = await connect({ store: scratch.path('store'), env: { ...process.env, ...scratch.env } });
    const [second, one] = await history.log();
    assert.deepEqual([second?.number, one?.number, one?.message], [2, 1, 'the first']);
    assert.deepEqual(
      (await history.changes('@1', '@2')).map(({ change, path }) => [change, path]),
      [['removed', '/docs/large']],
    );
    await history.close();
  });

  it('the examples of its page run as they stand there', async (t) => {
    const page = readFileSync(`${PROJECT_ROOT}/docs/programs.md`, 'utf8');
    const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);
    assert.ok(examples.length > 0);
    const scratch = makeScratch(t);
    scratch.mkdir('docs');
    writeFileSync(scratch.path('docs/first.txt'), 'Dear reader,\n');
    const env = { ...process.env, ...scratch.env, VTFTP_STORE: scratch.path('store') };
    for (const code of examples) {
      const ran = await run(
        process.execPath,
        ['--input-type=module', '-e', code.replaceAll("'vtftp'", `'${PROJECT_ROOT}/dist/shell/client/client.js'`)],
        {
          env,
          cwd: scratch.folder,
        },
      );
      assert.equal(ran.status, 0, ran.report);
      assert.equal(ran.stderr, '', ran.report);
    }
  });
});
