import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

// What `ar` wrote is read where it lies, on any web server that gives parts of a file.

interface WebServer {
  /** The address of what is served. */
  readonly url: string;
  /** Octets of the answers since the last look. */
  answers(): number[];
  /** Gives the whole file, whatever part was asked for. */
  givesParts: boolean;
}

async function serveFile(t: TestContext, path: string): Promise<WebServer> {
  let sizes: number[] = [];
  const server = createServer((request, response) => {
    const data = readFileSync(path);
    const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = from === '' ? Math.max(0, data.length - Number(to)) : Number(from);
    const end = from === '' || to === '' ? data.length : Math.min(Number(to) + 1, data.length);
    if (!web.givesParts) {
      response.end(data);
      return;
    }
    sizes.push(end - start);
    response.writeHead(206, { 'content-range': `bytes ${start}-${end - 1}/${data.length}` }).end(data.subarray(start, end));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const web: WebServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/some/where/tree.vtd`,
    answers() {
      const answered = sizes;
      sizes = [];
      return answered;
    },
    givesParts: true,
  };
  return web;
}

it('an archive on a web server is listed with 4 requests, and read by parts', async (t) => {
  const scratch = makeScratch(t);
  const on = async (args: readonly string[], status = 0): Promise<string> => {
    const done = await vtftp(args, { env: scratch.env, cwd: scratch.folder });
    assert.equal(done.status, status, done.report);
    return `${done.stdout}${done.stderr}`;
  };
  makeTree(scratch.path('tree'), { files: 600, seed: 63, extras: true });
  for (let i = 0; i < 24; i++) writeFileSync(scratch.path(`tree/large-${i}`), Buffer.alloc(1_000_000, `content ${i}, `));
  await on(['-S', './store', '-c', 'put tree; ar tree.vtd tree; quit']);
  const web = await serveFile(t, scratch.path('tree.vtd'));

  const size = readFileSync(scratch.path('tree.vtd')).length;
  const listed = await on([web.url, '-c', 'ls -lR /']);
  assert.equal(listed, await on(['tree.vtd', '-c', 'ls -lR /']));
  const answers = web.answers();
  assert.ok(answers.length <= 4, `${answers.length} requests`);
  const bytes = answers.reduce((sum, octets) => sum + octets, 0);
  t.diagnostic(`${answers.length} requests, ${bytes} octets of ${size}`);

  await on([web.url, '-c', 'get /. out']);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('out')), '');
  const got = web.answers();
  assert.ok(got.reduce((sum, octets) => sum + octets, 0) < 2 * size, 'what is read is read once or so');

  await on(['-S', './store', '-c', 'ar -z packed.vtd tree; quit']);
  const packed = await serveFile(t, scratch.path('packed.vtd'));
  assert.equal(await on([packed.url, '-c', 'ls -lR /']), listed);
  assert.ok(packed.answers().length <= 4);
  await on([packed.url, '-c', 'get /. unpacked']);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('unpacked')), '');
  const packedSize = readFileSync(scratch.path('packed.vtd')).length;
  assert.ok(packedSize < size / 2, `${packedSize} octets of ${size}`);
  assert.ok(packed.answers().reduce((sum, octets) => sum + octets, 0) < 3 * packedSize);

  await on(['-S', './store', '-c', 'mkdir tree/later; ar -r tree.vtd tree; quit']);
  assert.match(await on([web.url, '-c', 'log; ls; cd @1; ls']), /^@2.*\n@1[\s\S]*^later$/m);
  assert.match(await on([web.url, '-c', 'mkdir x'], 11), /read-only|cannot be written/);
});

it('what is cut off, damaged, no archive, or comes without parts is told', async (t) => {
  const scratch = makeScratch(t);
  writeFileSync(scratch.path('f'), 'some text, '.repeat(9000));
  const made = await vtftp(['-S', './store', '-c', 'put f; ar tree.vtd /; quit'], { env: scratch.env, cwd: scratch.folder });
  assert.equal(made.status, 0, made.report);
  const path = scratch.path('tree.vtd');
  const whole = readFileSync(path);
  const web = await serveFile(t, path);
  const open = async (commands: string): Promise<string> => {
    const done = await vtftp([web.url, '-c', commands], { env: scratch.env, cwd: scratch.folder });
    return `${done.status} ${done.stdout}${done.stderr}`;
  };
  assert.match(await open('ls'), /^0 f\n/);
  writeFileSync(path, whole.subarray(0, whole.length - 1));
  assert.match(await open('ls'), /^10 .*it does not end as a one-file Store does/);
  const damaged = Buffer.from(whole);
  const at = whole.indexOf('some text, some text') + 500;
  damaged[at] = (damaged[at] as number) ^ 1;
  writeFileSync(path, damaged);
  assert.match(await open('cat f > /dev/null'), /^13 .*the stored bytes do not match/);
  writeFileSync(path, 'a page about something else');
  assert.match(await open('ls'), /^10 /);
  writeFileSync(path, whole);
  web.givesParts = false;
  assert.match(await open('ls'), /^10 .*the server does not support range requests/);
});
