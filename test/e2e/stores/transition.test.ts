import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

// A Store becomes one of another hash function, with all its states; what was named once is found.

interface Stores {
  readonly scratch: Scratch;
  /** Runs commands on a Store. @returns what it printed; fails where the status is another */
  on(store: string, commands: string, status?: number): Promise<string>;
  /** Dirrefs and notes of the states of an archive. */
  states(store: string): { readonly whenText: string; readonly dirref: string; readonly notes: string }[];
}

function stores(t: TestContext): Stores {
  const scratch = makeScratch(t);
  return {
    scratch,
    async on(store, commands, status = 0) {
      const done = await vtftp(['-S', store, '-c', commands], { env: scratch.env, cwd: scratch.folder });
      assert.equal(done.status, status, `${commands}: ${done.report}`);
      return `${done.stdout}${done.stderr}`;
    },
    states: (store) =>
      readFileSync(scratch.path(`${store}/archives/default.vt`), 'latin1')
        .trimEnd()
        .split('\n')
        .map((line) => {
          const [, whenText = '', dirref = '', notes = ''] = /^\S+ (\S+) (D\{\S+\}) (N\{.*\}) !crc32/.exec(line) ?? [];
          return { whenText, dirref, notes };
        }),
  };
}

it('every state goes into a Store of another hash function; back it is what it was; old references open there, and say so', async (t) => {
  const { scratch, on, states } = stores(t);
  makeTree(scratch.path('tree'), { files: 60, seed: 3, extras: true });
  const sha1 = 'datadir:./old,hash=sha1';
  await on(sha1, 'put tree; sync -m "the first"; tag one; protect @1; quit');
  writeFileSync(scratch.path('tree/more'), 'xyz'.repeat(30_000));
  await on('./old', 'put tree; cp tree again; quit');

  assert.match(
    await on('./old', 'transition -n sha3-256 ./new'),
    /^transition default: 2 states\n.* to be read .*, \d+ Dirs to be rewritten/,
  );
  assert.equal(existsSync(scratch.path('new')), false, 'a plan makes nothing');
  assert.match(
    await on('./old', 'transition sha3-256 ./new --verify'),
    /^transition default: 2 states, 2 of them new\nverified default: 2 states, .*: all the same\n/,
  );
  assert.match(await on('./new', 'fsck; stores'), /2 roots, .* clean[\s\S]*sha3-256/);
  const [old, made] = [states('old'), states('new')];
  assert.deepEqual(
    made.map(({ whenText, notes }) => [whenText, notes]),
    old.map(({ whenText, notes }) => [whenText, notes]),
    'dates, messages, tags and protection',
  );
  assert.match(made[0]?.notes ?? '', /message:"the first".*tags:"one".*protected:""/);

  for (const [i, { dirref }] of old.entries()) {
    const said = await on('./new', `open ${dirref}; find . -type f`);
    assert.ok(said.includes(`warning: the reference is of another hash function; in this Store it is ${made[i]?.dirref}`), said);
    assert.equal(said.replace(/^warning.*\n/m, ''), await on('./old', `open ${dirref}; find . -type f`));
  }
  const block = /[BI]\{.*\}/.exec(await on('./old', 'inspect tree/more'))?.[0];
  assert.ok(block !== undefined);
  assert.match(await on('./new', `bind found ${block}; head -c 3 found; rm found`), /^xyz/m);

  await on('./new', 'transition sha1 ./back --verify');
  assert.deepEqual(states('back').slice(0, 2), old);
  assert.match(await on('./back', `open ${made[1]?.dirref}; ls`), /again/);
  await on('./new', 'transition blake3 ./third');
  assert.match(await on('./third', `open ${old[1]?.dirref}; ls`), /again/, 'over two maps');
});

it('goes on where it was, copies what is new, mends what gc removed, and drops no state of the other Store', async (t) => {
  const { scratch, on, states } = stores(t);
  makeTree(scratch.path('tree'), { files: 30, seed: 4, extras: false });
  await on('datadir:./old,hash=sha256', 'put tree; quit');
  await on('./old', 'transition sha3-256 ./new');
  assert.match(await on('./old', 'transition sha3-256 ./new'), /1 state, 0 of them new\ntransition: 0 Blocks .* 0 Dirs/);
  await on('./old', 'mkdir tree/later; tag @1 late; quit');
  assert.match(await on('./old', 'transition sha3-256 ./new'), /2 states, 1 of them new\ntransition: 0 Blocks/);
  assert.match(states('new')[0]?.notes ?? '', /tags:"late"/);

  rmSync(scratch.path('new/archives/default.vt'));
  await on('./new', 'gc --grace 0 --rootless');
  assert.match(await on('./old', 'transition sha3-256 ./new --verify'), /2 states, 2 of them new[\s\S]*all the same/);
  assert.match(await on('./new', 'fsck'), /2 roots, .* clean/);

  await on('./new', 'mkdir own; quit');
  assert.match(await on('./old', 'mkdir other; transition sha3-256 ./new', 1), /it has other states, and nothing was recorded there/);
  assert.equal(states('new').length, 3);
});

it('goes on after states were forgotten on either side', async (t) => {
  const { scratch, on, states } = stores(t);
  await on('datadir:./old,hash=sha1', 'mkdir a; sync; mkdir b; sync; mkdir c; quit');
  await on('./old', 'transition sha3-256 ./new');
  await on('./old', 'forget --keep-last 1; mkdir d; quit');
  assert.match(await on('./old', 'transition sha3-256 ./new --verify'), /2 states, 1 of them new[\s\S]*all the same/);
  assert.equal(states('new').length, 4, 'what was copied before stays there');
  await on('./old', 'gc --grace 0; mkdir e; quit');
  await on('./new', 'forget --keep-last 2; gc --grace 0');
  assert.match(await on('./old', 'transition sha3-256 ./new --verify'), /3 states, 1 of them new[\s\S]*all the same/);
  assert.match(await on('./new', 'ls; fsck'), /^a\nb\nc\nd\ne\n.* clean/);
  assert.match(await on('./old', 'transition blake3; fsck'), /3 states[\s\S]* clean/);
  assert.equal(existsSync(scratch.path('old/transition')), false);
});

it('copies one reference alone, refuses what makes no sense, and ends an archive at a state that is not whole', async (t) => {
  const { scratch, on, states } = stores(t);
  writeFileSync(scratch.path('f'), 'one'.repeat(50_000));
  await on('datadir:./old,hash=sha1', 'put f; sync; mkdir d; quit');
  const [first, second] = states('old');
  const text = await on('./old', `transition sha3-256 ./alone ${first?.dirref}`);
  const [dirref] = text.split('\n');
  assert.match(
    await on('./old', 'transition sha3-256 ./alone B{hash:H{sha1:0000000000000000000000000000000000000000},span:9}', 13),
    /0000/,
  );
  assert.match(await on('./alone', `open ${dirref}; ls -l`), /150000 .* f$/m);
  assert.equal(existsSync(scratch.path('alone/archives/default.vt')), false);

  assert.match(await on('./old', 'transition sha1 ./x', 1), /has the hash function sha1 already \(push --all/);
  assert.match(await on('./old', 'transition md5 ./x', 2), /md5: no such hash function \(use one of sha1, /);
  await on('./other', 'mkdir d; quit');
  assert.match(await on('./old', 'transition blake3 ./other', 1), /the hash function of .* is sha3-256, not blake3/);

  writeFileSync(scratch.path('f'), 'two'.repeat(60_000));
  await on('./old', 'put f; quit');
  const [data = ''] = readdirSync(scratch.path('old/data'));
  const file = scratch.path(`old/data/${data}`);
  const octets = readFileSync(file);
  octets[octets.indexOf('twotwotwo') + 20_000] = 1;
  writeFileSync(file, octets);
  assert.match(await on('./old', 'transition sha3-256 ./new', 13), /state @3: "\/f": .*(gc --drop removes the state)/s);
  assert.equal(states('new').length, 2);
  assert.match(await on('./new', `open ${second?.dirref}; ls`), /^d$/m);
});

it('pull and push move the newest state between Stores of two hash functions, there and back, where that is asked for', async (t) => {
  const { scratch, on, states } = stores(t);
  const write = (text: string): void => writeFileSync(scratch.path('f'), text.repeat(10_000));
  write('one');
  await on('datadir:./old,hash=sha1', 'put f; sync; mkdir d; quit');
  assert.match(await on('./new', 'pull -p ./old', 1), /has hash function sha1, and .* has sha3-256 \(pull --transition converts/);
  assert.match(await on('./new', 'pull --transition -b -p ./old', 1), /moves only the newest states of archives, from sha1 to sha3-256/);
  assert.match(await on('./new', 'pull --transition -n -p ./old', 1), /transition -n prints/);

  assert.match(
    await on('./new', 'pull --transition -p ./old; head -c 3 f'),
    /the state of [-\d]+T[:\d]+\.\d{3,9}[-+]\d\d:\d\d is the newest here\n(new: .*\n)+one/,
  );
  assert.equal(states('new').length, 1);
  assert.equal(states('new')[0]?.whenText, states('old')[1]?.whenText);
  assert.match(await on('./new', 'pull --transition -p ./old'), /up to date here/);
  assert.match(await on('./new', `open ${states('old')[1]?.dirref}; ls`), /another hash function/);

  write('two');
  await on('./new', 'put f; push --transition -p ./old; quit');
  assert.equal(states('old').length, 3);
  assert.equal(states('old')[2]?.whenText, states('new')[1]?.whenText);
  assert.match(await on('./old', 'head -c 3 f; fsck'), /^two[\s\S]*3 roots, .* clean/);
  assert.match(await on('./old', `open ${states('old')[2]?.dirref}; ls -l; quit`), /30000 .* f$/m);

  write('three');
  await on('./old', 'put f; push --transition -p ./new; quit');
  assert.match(await on('./new', 'head -c 5 f; fsck'), /^three[\s\S]*3 roots, .* clean/);
  await on('./new', 'mkdir ours; quit');
  await on('./old', 'mkdir theirs; quit');
  assert.match(await on('./new', 'pull --transition -p ./old', 1), /there are states here that .* lacks, and nothing was changed/);
});
