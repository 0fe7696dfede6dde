import assert from 'node:assert/strict';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import type { Run } from '../../support/program.ts';
import { PROGRAM, recited, vtftp } from '../../support/program.ts';
import { makeRandom } from '../../support/random.ts';
import { FakeS3 } from '../../support/s3/fake-s3.ts';
import { FAKE_KEYS, keysIn } from '../../support/s3/s3-stores.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

interface Here {
  readonly scratch: Scratch;
  /** Runs lines with a Store; the exit status is expected to be this. */
  readonly run: (store: string, line: string, status?: number) => Promise<Run>;
}

async function here(t: TestContext, more: Record<string, string> = {}): Promise<Here> {
  const scratch = makeScratch(t);
  const run: Here['run'] = async (store, line, status = 0) => {
    const done = await vtftp(['-S', store, '-c', line], { env: { ...scratch.env, ...more }, cwd: scratch.folder });
    assert.equal(done.status, status, `${line}\n${done.report}`);
    return done;
  };
  await run('./none', 'sealed-key --new key');
  return { scratch, run };
}

function makeDocs(scratch: Scratch, count = 30): void {
  scratch.mkdir('docs/deep');
  for (let i = 0; i < count; i++) writeFileSync(scratch.path(`docs/deep/${i}`), `file ${i}\n`.repeat(i * 100));
}

function assertSame(scratch: Scratch, copy: string): void {
  for (const name of readdirSync(scratch.path('docs/deep')))
    assert.deepEqual(readFileSync(scratch.path(`${copy}/deep/${name}`)), readFileSync(scratch.path(`docs/deep/${name}`)));
}

it('every command works on a sealed Store as on any other, in a folder and in a bucket', async (t) => {
  await using fake = await FakeS3.start();
  const { scratch, run } = await here(t, keysIn(FAKE_KEYS));
  makeDocs(scratch);
  for (const [kind, below] of [
    ['folder', './store'],
    ['bucket', `s3://tests/p?endpoint=${fake.endpoint}`],
  ] as const) {
    const store = `sealed:key:${below}`;
    const dirref = recited(await run(store, 'put docs; quit'));
    assert.match((await run(store, 'put docs; put --reread docs; quit')).stdout, /unchanged[\s\S]* 0 Blocks new/);
    await run(store, 'tag first @1; cp docs copy; quit');
    await run(store, 'rm -r docs; quit');
    const told = await run(store, `log; get docs/deep/7@first seven; undo; ls; get docs got-${kind}; fsck --rebuild-index; stores`);
    assert.match(told.stdout, /@3 [\s\S]*@2 [\s\S]*@1 .*put docs.*@first[\s\S]*copy\ndocs[\s\S]*clean[\s\S]*sealed in/);
    assert.equal(readFileSync(scratch.path('seven'), 'utf8'), 'file 7\n'.repeat(700));
    assertSame(scratch, `got-${kind}`);
    assert.match((await run(store, `open '${dirref}'; ls docs/deep`)).stdout, /^29$/m);
    const gone = await run(store, 'forget --keep-last 1; gc --grace 0; gc --grace 0; fsck; scrub; log');
    assert.match(gone.stdout, /clean[\s\S]*all verified/);
    assert.doesNotMatch(gone.stdout, /^@3 /m);
  }
});

it('ar, transition, pull and push lead into a sealed Store and out of it', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch);
  const store = 'sealed:key:./store';
  await run(store, 'put docs; quit');
  await run(store, 'put docs copy; ar docs.vtd docs; quit');
  assert.match((await run('./none', 'open docs.vtd; ls deep')).stdout, /^29$/m);
  await run(store, 'transition sha256 sealed:key:./sha');
  assert.match((await run('sealed:key:./sha', 'log; get docs@1 then; fsck')).stdout, /@2 [\s\S]*clean/);
  assertSame(scratch, 'then');
  await run('./plain', `pull -p ${store}; fsck; mkdir new; quit`);
  await run('./plain', `push -p ${store}; quit`);
  assert.match((await run(store, 'ls; fsck')).stdout, /^new$[\s\S]*clean/m);
});

it('a wrong key is exit 12 and one line, a key file that others can read too, and no key file is overwritten', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch, 3);
  assert.equal(statSync(scratch.path('key')).mode & 0o777, 0o600);
  const key = readFileSync(scratch.path('key'));
  assert.match((await run('./none', 'sealed-key --new key', 1)).stderr, /^sealed-key: .*key: already exists .*never overwritten/);
  assert.deepEqual(readFileSync(scratch.path('key')), key);
  await run('sealed:key:./store', 'put docs; quit');
  await run('./none', 'sealed-key --new other');
  assert.match((await run('sealed:other:./store', 'ls', 12)).stderr, /^vtftp: .*the key in ".*other" is not one of the Store's keys .*\n$/);
  writeFileSync(scratch.path('open'), key, { mode: 0o644 });
  assert.match((await run('sealed:open:./store', 'ls', 12)).stderr, /can be read by others .*chmod 600/);
  writeFileSync(
    scratch.path('typed'),
    key
      .toString()
      .toUpperCase()
      .replace(/^3 {2}/m, '3  f'),
    { mode: 0o600 },
  );
  assert.match((await run('sealed:typed:./store', 'ls', 10)).stderr, /line 3/);
  assert.match((await run('./store', 'put docs', 12)).stderr, /^put: Store ".*" is sealed \(open it with its key/);
  assert.match((await run('./store', 'gc', 12)).stderr, /the Store is sealed/);
  for (const line of ['undo', 'redo', 'sync', 'log', 'diff', 'diff @1', 'cmp docs docs@1', 'tag first', 'protect', 'forget --keep-last 1'])
    assert.match((await run('./store', line, 12)).stderr, /^\w+: Store ".*" is sealed \(open it with its key/, line);
  assert.match((await run('./store', 'scrub; fsck')).stdout, /clean/);
  assert.match((await run('sealed:key:./none', 'ls', 10)).stderr, /./);
  await run('./plain', 'put docs; quit');
  assert.match((await run('sealed:key:./plain', 'ls', 10)).stderr, /sha3-256 and is not sealed/);
  assert.match((await run('sealed:key:./new,hash=sha1', 'ls', 10)).stderr, /./);
});

it('keys are added and revoked, printed and read back; a command and a passphrase open the Store', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch, 3);
  await run('sealed:key:./store', 'put docs; quit');
  const paper = (await run('./none', 'sealed-key --show key')).stdout;
  writeFileSync(scratch.path('typed'), paper.toUpperCase().replaceAll('  ', ' '), { mode: 0o600 });
  writeFileSync(scratch.path('words'), 'correct horse battery\n', { mode: 0o600 });
  await run('./none', 'sealed-key --new other');
  await run('sealed:typed:./store', 'sealed-key --add other; sealed-key --add-passphrase words');
  await run('sealed:typed:./store', 'sealed-key --add other', 1);
  for (const opens of ['key=other', 'passphrase=words', 'command="cat other"', 'command="head -1 words"'])
    assert.match((await run(`sealed:${opens},backend=./store`, 'ls docs/deep')).stdout, /^2$/m);
  writeFileSync(scratch.path('words'), 'correct horse\n', { mode: 0o600 });
  await run('sealed:passphrase=words,backend=./store', 'ls', 12);
  const listed = (await run('sealed:other:./store', 'sealed-key')).stdout.trim().split('\n');
  assert.equal(listed.length, 3);
  const [first = ''] = (listed[0] ?? '').split(' ');
  await run('sealed:other:./store', `sealed-key --revoke ${first}; sealed-key`);
  await run('sealed:key:./store', 'ls', 12);
  const words = listed.find((line) => line.includes('passphrase')) ?? '';
  await run('sealed:other:./store', `sealed-key --revoke ${words.split(' ')[0] ?? ''}`);
  const last = (await run('sealed:other:./store', 'sealed-key')).stdout.split(' ')[0] ?? '';
  assert.match((await run('sealed:other:./store', `sealed-key --revoke ${last}`, 1)).stderr, /it is the last key/);
  assert.match((await run('sealed:other:./store', 'ls docs/deep; fsck')).stdout, /clean/);
});

it('without its key a sealed Store is refused at once by what reads or changes its tree, in one line; fsck and lls work', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch, 1);
  await run('sealed:key:./store', 'put docs; quit');
  const before = readdirSync(scratch.path('store'), { recursive: true }).map(String).sort();
  for (const line of [
    'ls',
    'cat docs',
    'log',
    'put key; quit',
    'mkdir x; quit',
    'touch x',
    'watch docs x',
    `mount ${scratch.path('mnt')}`,
  ]) {
    const { stdout, stderr } = await run('./store', line, 12);
    assert.equal(stdout, '', line);
    assert.match(stderr, /^\w+: Store "datadir:[^"]*" is sealed \(open it with its key, as sealed:KEYFILE:datadir:[^)]*\)\n$/, line);
  }
  assert.deepEqual(readdirSync(scratch.path('store'), { recursive: true }).map(String).sort(), before);
  assert.match((await run('./store', 'fsck; lls')).stdout, /clean.*\n[\s\S]*docs/);
  assert.equal((await run('./store', 'lls')).stderr, '');
});

it('a damaged Block is exit 13, scrub finds it without the key, and repair and put bring it back', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch, 8);
  await run('sealed:key:./store', 'put docs; quit');
  await run('./copy', "pull -p 'sealed:key:./store'; quit");
  const folder = scratch.path('store/data');
  const file = join(folder, readdirSync(folder).find((name) => name.endsWith('.vtd')) ?? '');
  const whole = readFileSync(file);
  const damage = (): void => {
    // In the middle of each of several records, two bits: nothing can flip them back.
    const changed = Buffer.from(whole);
    for (let at = 400; at + 4000 < changed.length; at += 1500) changed.writeUInt32LE((changed.readUInt32LE(at) ^ 0x01010101) >>> 0, at);
    writeFileSync(file, changed);
  };
  damage();
  assert.match((await run('sealed:key:./store', 'get docs got', 13)).stderr, /./);
  damage();
  await run('./store', 'scrub', 13);
  assert.match((await run('sealed:key:./store', 'fsck', 13)).stdout, /docs/);
  assert.match((await run('sealed:key:./store', 'repair --from ./copy; fsck; scrub')).stdout, /brought back; every root is complete/);
  await run('sealed:key:./store', 'get docs back');
  assertSame(scratch, 'back');
});

it('a sealed Store lies behind serve and a cache, which have no key', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch);
  const remote = `!${process.execPath} ${PROGRAM} -S datadir:./far,hash=sealed -c "serve -"`;
  const store = `sealed:key=key,backend='${remote}'`
    .replaceAll("'", '"')
    .replace(/backend="(.*)"$/s, (_, command: string) => `backend="${command.replaceAll('"', '\\"')}"`);
  await run(store, 'put docs; quit');
  assert.match((await run(store, 'put docs; log; fsck', 1)).stdout, /unchanged[\s\S]*@1/);
  await run('sealed:key:./far', 'get docs got; fsck; quit');
  assertSame(scratch, 'got');
  assert.match((await run('sealed:key=key,backend="filecache:./cache,backend=./far"', 'cat docs/deep/3; quit')).stdout, /^file 3/);
  for (const name of readdirSync(scratch.path('cache'))) assert.ok(!readFileSync(scratch.path(`cache/${name}`)).includes('file 3'));
  await run('sealed:key:filecache:./cache', 'ls', 10);
});

it('between Stores that share their keys push and pull open nothing but Dirs and superblocks', async (t) => {
  const { scratch, run } = await here(t);
  makeDocs(scratch);
  await run('sealed:key:./one', 'put docs; sealed-key --share sealed:key:./two; quit');
  await run('sealed:key:./one', 'push -p sealed:key:./two; quit');
  await run('sealed:key:./two', 'get docs got; fsck; quit');
  assertSame(scratch, 'got');
  const blocksOf = (store: string): Buffer => {
    const folder = scratch.path(`${store}/data`);
    return Buffer.concat(
      readdirSync(folder)
        .filter((name) => name.endsWith('.vtd'))
        .map((name) => readFileSync(join(folder, name))),
    );
  };
  const [one, two] = [blocksOf('one'), blocksOf('two')];
  // Some sealed content of the one is in the other, octet by octet.
  assert.ok(two.includes(one.subarray(500, 900)));
  await run('sealed:key:./one', 'sealed-key --share sealed:key:./two', 1);
});

it('a mount of a sealed Store keeps what is written', { skip: noMountsHere() }, async (t) => {
  const { scratch } = await here(t);
  const mount = await mounted(t, scratch, '', `sealed:${scratch.path('key')}:${scratch.path('store')}`);
  assert.equal(
    (await mount.sh(`mkdir a && echo 'a secret line' > a/file && sync a/file && ${RECORD} && cat a/file`)).stdout,
    'a secret line\n',
  );
  await mount.unmount();
  for (const entry of readdirSync(scratch.path('store'), { recursive: true, withFileTypes: true }))
    if (entry.isFile()) assert.ok(!readFileSync(join(entry.parentPath, entry.name)).includes('a secret line'), entry.name);
  assert.equal((await mount.vtftp('-c', 'cat a/file; fsck')).stdout.split('\n')[0], 'a secret line');
});

const seed = Number(process.env['VTFTP_TEST_SEED'] ?? 1 + Math.floor(Math.random() * 1e6));

it(`a put that is killed at any request leaves a sealed Store whole, the first one too (seed ${seed})`, async (t) => {
  const random = makeRandom(seed);
  await using fake = await FakeS3.start();
  const { scratch, run } = await here(t, keysIn(FAKE_KEYS));
  makeDocs(scratch, 12);
  for (let round = 0; round < 2; round++) {
    const store = `sealed:key:s3://tests/k${round}?endpoint=${fake.endpoint}`;
    const killAfter = 1 + random.below(25);
    let requests = 0;
    let kill = (): void => undefined;
    const watch = (): void => {
      if (++requests === killAfter) kill();
    };
    fake.watchers.add(watch);
    const done = await vtftp(['-S', store, '-c', 'put docs; mkdir x; quit'], {
      env: { ...scratch.env, ...keysIn(FAKE_KEYS) },
      cwd: scratch.folder,
      during(program) {
        kill = () => program.kill('SIGKILL');
      },
    });
    fake.watchers.delete(watch);
    assert.ok(done.status === 0 || done.signal === 'SIGKILL', done.report);
    // A lock that it held is not waited for.
    fake.aheadMs += 121_000;
    await run(store, 'put docs; fsck; get docs got; quit');
    assertSame(scratch, 'got');
    await run('./none', '!rm -r got');
  }
});
