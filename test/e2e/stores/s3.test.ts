import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import { makeScratch } from '../../support/scratch.ts';

it('put, ls, log, get, push, pull and a Dirref work over a bucket as over a folder', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start({ conditions: 'refused', busy: 1 });
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const store = `s3://bucket/some/prefix?endpoint=${fake.endpoint}`;
  const run = async (where: string, line: string, status = 0): Promise<Awaited<ReturnType<typeof vtftp>>> => {
    const done = await vtftp(['-S', where, '-c', line], { env, cwd: scratch.folder });
    assert.equal(done.status, status, done.report);
    return done;
  };
  scratch.mkdir('docs/deep');
  for (let i = 0; i < 30; i++) writeFileSync(scratch.path(`docs/deep/${i}`), `file ${i}\n`.repeat(i * 100));

  assert.match((await run(store, 'ls', 10)).stderr, /there is no Store/);
  const dirref = recited(await run(store, 'put docs; quit'));
  const puts = fake.counts['PUT'] ?? 0;
  assert.match((await run(store, 'put docs; quit')).stdout, /unchanged/);
  assert.equal(fake.counts['PUT'], puts);

  // Another machine: nothing is known here any more.
  rmSync(join(scratch.env['XDG_CACHE_HOME'] ?? '', 'vtftp'), { recursive: true });
  assert.equal((await run(store, 'ls docs/deep')).stdout.split('\n').length, 31);
  assert.match((await run(store, 'log')).stdout, /@1 .*put docs/);
  await run(store, 'get docs back');
  for (const name of readdirSync(scratch.path('docs/deep')))
    assert.deepEqual(readFileSync(scratch.path(`back/deep/${name}`)), readFileSync(scratch.path(`docs/deep/${name}`)));

  await run('./local', `pull -p '${store}'; quit`);
  assert.equal((await vtftp(['-S', './local', dirref, '-c', 'ls docs/deep'], { env, cwd: scratch.folder })).stdout.split('\n').length, 31);
  await run('./local', 'mkdir new; quit');
  const requests = (): number => Object.values(fake.counts).reduce((sum, count) => sum + count, 0);
  const [before, packsBefore] = [requests(), fake.keys('some/prefix/packs/').length];
  await run('./local', `push -p '${store}'; quit`);
  const packs = fake.keys('some/prefix/packs/').length - packsBefore;
  assert.ok(packs > 0 && requests() - before <= 12 + packs, `${requests() - before} requests, ${packs} of them for packs`);
  assert.match((await run(store, 'ls')).stdout, /^docs\nnew$/m);
  await run('./local', `push --create -p 's3://bucket/another?endpoint=${fake.endpoint}'; quit`);
  // Dirs and superblocks lie apart there, too.
  assert.ok(fake.keys('another/packs/m/').length > 0 && fake.keys('another/packs/d/').length > 0);
  assert.match((await run(`s3://bucket/another?endpoint=${fake.endpoint}`, 'cat docs/deep/3')).stdout, /^file 3\n/);
  assert.deepEqual(fake.wrong, []);
});

it('stores tells what was asked of the service, and push -n how many PUTs it would take', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const store = `s3://bucket?endpoint=${fake.endpoint}`;
  scratch.mkdir('docs');
  writeFileSync(scratch.path('docs/letter'), 'Dear reader\n'.repeat(500));
  const put = await vtftp(['--json', '-S', store, '-c', 'put docs; sync; stores'], { env, cwd: scratch.folder });
  assert.equal(put.status, 0, put.report);
  const [told] = put.stdout.split('\n').flatMap((line) => (/"puts":\d/.test(line) ? [JSON.parse(line) as Record<string, number>] : []));
  assert.ok((told?.puts ?? 0) > 0 && (told?.puts ?? 0) <= (fake.counts['PUT'] ?? 0), put.report);
  assert.ok((told?.sent_bytes ?? 0) > 100 && (told?.lists ?? 0) > 0);
  const text = await vtftp(['-S', store, '-c', 'ls; stores'], { env, cwd: scratch.folder });
  assert.match(text.stdout, /\d PUT, \d+ GET, \d+ LIST, \d+ DELETE; .* sent, .* received/);
  const puts = fake.counts['PUT'];
  const plan = await vtftp(['-S', './local', '-c', `pull -p '${store}'; put docs more; sync; push -n -p '${store}'`], {
    env,
    cwd: scratch.folder,
  });
  assert.equal(plan.status, 0, plan.report);
  assert.match(plan.stdout, /missing at .* \(.*, about 5 PUT\)/);
  assert.equal(fake.counts['PUT'], puts);
});

it('a push of little that changed takes no more than twelve requests and the new packs', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const store = `s3://bucket?endpoint=${fake.endpoint}`;
  scratch.mkdir('docs');
  const random = makeRandom(1);
  for (let i = 0; i < 100; i++) writeFileSync(scratch.path(`docs/${i}`), random.bytes(5000));
  const run = async (line: string): Promise<number> => {
    for (const kind of Object.keys(fake.counts)) delete fake.counts[kind];
    const done = await vtftp(['-S', './local', '-c', line], { env, cwd: scratch.folder });
    assert.equal(done.status, 0, done.report);
    return Object.values(fake.counts).reduce((sum, count) => sum + count, 0);
  };
  await run(`put docs; push --create -p '${store}'`);
  const packs = fake.keys('packs/').length;
  writeFileSync(scratch.path('docs/7'), 'changed');
  await run('put docs; quit');
  const requests = await run(`push -p '${store}'`);
  const fresh = fake.keys('packs/').length - packs;
  assert.ok(fresh > 0 && requests <= 12 + fresh, `${requests} requests, ${fresh} packs`);
  assert.ok((await run(`push -p '${store}'`)) <= 4);
});

it('fsck finds an object that is gone or cut short, by the paths that it harms, and gc refuses then', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS) };
  const run = async (line: string, status: number): Promise<string> => {
    const done = await vtftp(['-S', `s3://bucket?endpoint=${fake.endpoint}`, '-c', line], { env, cwd: scratch.folder });
    assert.equal(done.status, status, done.report);
    return `${done.stdout}${done.stderr}`;
  };
  scratch.mkdir('docs');
  writeFileSync(scratch.path('docs/letter'), 'Dear reader\n'.repeat(500));
  await run('put docs; quit', 0);
  assert.match(await run('fsck --rebuild-index', 0), /1 root, .* in 2 packs .*: clean/);
  const [pack = ''] = fake.keys('packs/d/');
  const object = fake.objects.get(pack);
  assert.ok(object !== undefined);
  fake.objects.set(pack, { ...object, body: object.body.subarray(0, 1000) });
  assert.match(await run('fsck', 13), /the object has 1000 bytes[\s\S]*"\/docs\/letter": Block .* is missing/);
  fake.objects.delete(pack);
  assert.match(await run('fsck', 13), /the object is missing[\s\S]*"\/docs\/letter": Block .* is missing/);
  assert.match(await run('gc --grace 0', 13), /has needed Blocks, and is missing/);
  fake.objects.set(pack, object);
  assert.match(await run('fsck', 0), /clean/);
});

it('what is wrong with a bucket or its keys is one line, with the documented status', async (t) => {
  const scratch = makeScratch(t);
  await using fake = await FakeS3.start();
  const env = { ...scratch.env, ...keysIn(FAKE_KEYS), AWS_EC2_METADATA_DISABLED: 'true' };
  const open = async (store: string, more: Record<string, string> = {}): Promise<string> => {
    const done = await vtftp(['-S', store, '-c', 'mkdir a; quit'], { env: { ...env, ...more }, cwd: scratch.folder });
    assert.notEqual(done.status, 0, done.report);
    return `${done.status} ${done.stderr.split('\n')[0]}`;
  };
  assert.match(await open('s3://b?endpoint=ftp://x'), /expected/);
  assert.match(
    await open(`s3://bucket?endpoint=${fake.endpoint}`, { AWS_ACCESS_KEY_ID: '', AWS_PROFILE: 'nobody' }),
    /no profile "nobody"/,
  );
  fake.faults.quota = 1;
  assert.match(await open(`s3://bucket?endpoint=${fake.endpoint}`), /quota/);
});
