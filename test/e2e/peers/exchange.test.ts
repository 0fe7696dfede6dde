import assert from 'node:assert/strict';
import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import { vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

// push and pull of archives: states with their dates, refused where states of others would be dropped.

interface Machines {
  readonly scratch: Scratch;
  /** Runs commands on a Store. @returns its stdout; fails where the status is another */
  on(store: string, commands: string, status?: number): Promise<string>;
  write(name: string, text: string): void;
  /** The states of a Store's default archive: times and Dirrefs. */
  states(store: string): string[];
}

function machines(t: TestContext): Machines {
  const scratch = makeScratch(t);
  return {
    scratch,
    write: (name, text) => writeFileSync(scratch.path(name), text),
    async on(store, commands, status = 0) {
      const done = await vtftp(['-S', scratch.path(store), '-c', commands], { env: scratch.env, cwd: scratch.path('.') });
      assert.equal(done.status, status, done.report);
      return `${done.stdout}${done.stderr}`;
    },
    states: (store) =>
      readFileSync(`${scratch.path(store)}/archives/default.vt`, 'latin1')
        .trimEnd()
        .split('\n')
        .map((line) => line.replace(/ (?:N\{|!crc32).*$/, '')),
  };
}

it('the newest state goes to a peer with its date, comes from there into a Store that was not there, and is refused where it would drop one', async (t) => {
  const { on, write, states, scratch } = machines(t);
  write('f', 'one');
  assert.match(await on('a', 'put f; push -p ./server', 10), /--create makes the Store/);
  assert.match(await on('a', 'put f; quit'), /D\{/);
  assert.match(await on('a', 'push -n -p ./server --create'), /^push default: \d+ Blocks? of \d+ missing/m);
  await on('a', 'push -p ./server --create');
  write('f', 'two');
  await on('a', 'put f; sync; mkdir d; push -p ./server; quit');
  assert.deepEqual(states('server'), [states('a')[0], states('a')[2]], 'a state that was not pushed has no line there');
  assert.match(await on('a', 'push -p ./server'), /^push default: up to date at/m);
  const pulled = await on('b', 'pull -p ./server; cat f; quit');
  assert.match(pulled, /^new: \/d\nnew: \/f\ntwo/m);
  assert.deepEqual(states('b'), states('server').slice(-1));
  write('g', 'of b');
  await on('b', 'put g; push -p ./server; quit');
  write('h', 'of a');
  assert.match(
    await on('a', 'put h; push -p ./server', 1),
    /server has states that are not here, and nothing was changed \(merge first: merge '/,
  );
  assert.match(
    await on('a', 'pull -p ./server', 1),
    /there are states here that .*server lacks, and nothing was changed \(merge first: merge '/,
  );
  await on('a', 'put h; merge ./server; push -p ./server; quit');
  await on('b', 'pull -p ./server; quit');
  for (const store of ['a', 'b', 'server']) assert.equal(await on(store, 'ls -1; fsck | true'), 'd\nf\ng\nh\n', store);
  assert.deepEqual(states('b').at(-1), states('a').at(-1));
  // What b got from a by another way is known to come before.
  cpSync(scratch.path('a'), scratch.path('c'), { recursive: true });
  await on('c', 'mkdir e; push -p ./server; quit');
  assert.match(await on('a', 'pull -p ./c; pull -p ./server'), /^pull default: up to date here/m);
});

it('push --all moves every archive with every state and note, checks them over there, and tells what is missing with -n', async (t) => {
  const { on, write, states } = machines(t);
  for (const text of ['one', 'two', 'three']) {
    write('f', text);
    await on('old', 'put f; quit');
  }
  await on('old', 'open ./old@work; put f; quit');
  assert.match(
    await on('old', 'push --all -n -p ./new --create'),
    /^push default: 3 states of 3 missing at .*\npush work: 1 state of 1 missing at /m,
  );
  assert.match(
    await on('old', 'push --all -p ./new --create'),
    /^pushed default: 3 states of 3, .*; all of them are complete at .*\npushed work: 1 state of 1/m,
  );
  assert.deepEqual(states('new'), states('old'));
  assert.match(await on('new', 'cat f@1 f@2 f; fsck; open ./new@work; cat f'), /^onetwothree.*clean.*three/s);
  // A state that was passed over before comes too, and the newest stays the newest.
  write('f', 'four');
  await on('old', 'put f; sync; mkdir d; push -p ./new; quit');
  assert.match(await on('old', 'push --all -p ./new'), /^pushed default: 1 state of 5/m);
  assert.equal(states('new').at(-1), states('old').at(-1));
  assert.deepEqual(new Set(states('new')), new Set(states('old')));
  await on('new', 'mkdir of-new; push --all -p ./old; quit');
  assert.match(await on('old', 'ls -1'), /of-new/);
});

it('pull --all fetches every archive with every state and note, from a folder, a server and a proxy, and the session goes on with the newest', async (t) => {
  const { on, write, states, scratch } = machines(t);
  for (const text of ['one', 'two', 'three']) {
    write('f', text);
    await on('old', 'put f; quit');
  }
  await on('old', 'open ./old@work; put f; quit; tag @1 first; protect @1');
  await on('old', 'tag @1 start; quit');
  assert.match(
    await on('new', 'pull --all -n -p ./old'),
    /^pull default: 3 states of 3 missing here, .*\npull work: 1 state of 1 missing here/m,
  );
  const { address, stop } = await serve(scratch, scratch.path('old'), `serve unix:${scratch.path('socket')}`);
  for (const [store, peer] of [
    ['new', './old'],
    ['by-server', address],
    ['by-proxy', `proxy:read=${scratch.path('old')}`],
  ] as const) {
    const pulled = await on(store, `pull --all -p ${peer}; cat f`);
    assert.match(pulled, /^pulled default: 3 states of 3, .*; all of them are complete here\npulled work: 1 state of 1.*\nthree$/m);
    assert.deepEqual(states(store), states('old'));
    assert.match(await on(store, `log; cat f@1; fsck; open ./${store}@work; cat f`), /\[@start\]\none.*clean.*three/s);
    assert.match(await on(store, `pull --all -p ${peer}`), /^pulled default: 0 states of 3/m);
  }
  await stop();
  // What is only here stays the newest, and what parted is left alone.
  await on('old', 'mkdir of-old; tag @2 second; quit');
  await on('new', `mkdir of-new; quit`);
  assert.match(await on('new', 'pull --all -p ./old', 3), /pull: default: there are states here that .*old lacks/);
  assert.match(await on('old', 'merge ./new; quit'), /0 conflicts/);
  assert.match(await on('new', 'pull --all -p ./old; ls -1'), /^pulled default: \d states? of 5.*^f\nof-new\nof-old$/ms);
  assert.match(await on('new', 'log'), /\[@second\]/);
});

it('a merge finds the state that both come from, though it was forgotten before all states were pushed or pulled', async (t) => {
  const { on, write } = machines(t);
  write('f', 'one');
  await on('a', 'put f; push -p ./b --create; quit');
  for (const text of ['two', 'three']) {
    write('f', text);
    await on('a', 'put f; quit');
  }
  await on('a', 'forget --keep-last=1; gc --grace=0');
  await on('a', 'mkdir later; quit');
  write('g', 'of b');
  await on('b', 'put g; quit');
  await on('a', 'push --all -p ./pushed --create');
  await on('pulled', 'pull --all -p ./a');
  await on('a', 'push -p ./newest --create');
  for (const store of ['pushed', 'pulled', 'newest'])
    assert.match(await on(store, 'merge ./b; cat f; ls -1; quit'), /^merged into \/: 0 conflicts\nthreef\ng\nlater$/m, store);
});

it('push --all sets tags and protection that came after an earlier one, removes none, and says so where it cannot', async (t) => {
  const { on, write, scratch } = machines(t);
  write('f', 'one');
  await on('old', 'put f; sync; mkdir d; push --all -p ./new --create; quit');
  await on('new', 'tag @1 theirs; protect @2; quit');
  await on('old', 'tag @1 ours; protect @1; push --all -p ./new; quit');
  assert.match(await on('new', 'log'), /^@2 .*\[protected\]\n@1 .*\[@theirs @ours protected\]$/m);
  const { address } = await serve(scratch, scratch.path('new'), `serve unix:${scratch.path('socket')}`);
  assert.doesNotMatch(await on('old', `push --all -p ${address}`), /tags or protection/);
  assert.match(await on('old', `tag @2 late; push --all -p ${address}`), /tags or protection of 1 state could not be set at/);
});

it('states go through a server, and what another client recorded there meanwhile is not dropped', async (t) => {
  const { on, write, scratch } = machines(t);
  write('f', 'one');
  await on('a', 'put f; push -p ./server --create; quit');
  const { address } = await serve(scratch, scratch.path('server'), `serve unix:${scratch.path('socket')}`);
  await on('b', `pull -p ${address}; mkdir of-b; push -p ${address}; quit`);
  assert.match(await on('a', `mkdir of-a; push -p ${address}; quit`, 1), /has states that are not here/);
  await on('a', `merge ${address}; push -p ${address}; quit`);
  assert.match(await on('b', `pull -p ${address}; ls -1; quit`), /^f\nof-a\nof-b$/m);
});
