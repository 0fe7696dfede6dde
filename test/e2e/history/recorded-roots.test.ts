import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { describe, it, test } from 'node:test';
import { mounted, noMountsHere, RECORD } from '../../support/mounts/mounted.ts';
import { type Run, recited, run, vtftp } from '../../support/program.ts';
import { makeScratch, type Scratch } from '../../support/scratch.ts';
import { Conversation } from '../../support/shells/conversation.ts';
import { openShellHere } from '../../support/shells/shell-here.ts';

/** Commands that ask for the root of the tree, or for parts of it, and are to leave it as it was: neither recorded nor taken to be. */
const READERS = [
  'inspect',
  'inspect new',
  'push -b -p ./peer',
  'push -b -n -p ./peer',
  'push -b -p ./peer new',
  'pull -b -p ./peer',
  'pull -b -n -p ./peer',
  'merge -n ./other',
  'merge -n ./other new',
  'merge --conflict=ours -n ./other',
  'join -n ./other grafted',
  'get / out',
  'get new out',
  'log',
  'du; find; tree; stat new',
  'cd @1; ls; cd @',
  'gc -n',
  'fsck',
  'mkdir -p new/deep; inspect; put local new',
];

const inStore = async (scratch: Scratch, store: string, line: string, ...more: string[]): Promise<Run> =>
  await vtftp(['-S', `datadir:${scratch.path(store)}`, ...more, '-c', line], { env: scratch.env, cwd: scratch.folder });

/** What a new session finds after everything that no root needs is gone. */
async function after(scratch: Scratch, store: string): Promise<string> {
  const found = await inStore(scratch, store, 'gc --grace 0 > /dev/null; find; get / kept > /dev/null');
  assert.equal(found.status, 0, found.report);
  return found.stdout;
}

describe('what is put is in a root, whatever was asked in between', () => {
  for (const reader of READERS) {
    it(`put, ${reader}, quit`, async (t) => {
      const scratch = makeScratch(t);
      scratch.mkdir('local/sub');
      writeFileSync(scratch.path('local/photo'), Buffer.alloc(70_000, reader));
      const shell = async (store: string, line: string) => {
        await using here = await openShellHere({ home: scratch.folder, store: scratch.path(store) });
        const { status, stdout, stderr } = await here.run(line);
        assert.equal(status, 0, stderr);
        return { stdout: stdout.toString(), recited: await here.finish() };
      };
      for (const store of ['store', 'peer', 'other']) await shell(store, 'mkdir old');
      const { recited: dirref } = await shell('store', `put local new; ${reader.replaceAll('./', `${scratch.folder}/`)}`);
      await using again = await openShellHere({ home: scratch.folder, store: scratch.path('store'), source: dirref ?? '' });
      const shown = (await again.run('find')).stdout.toString();
      assert.match(shown, /^\/new\/photo$/m);
      await again[Symbol.asyncDispose]();
      await shell('store', 'gc --grace 0');
      assert.equal((await shell('store', 'find')).stdout, shown);
    });
  }
});

test('what a mount was told to sync is in a root, whoever asked for its tree before', { skip: noMountsHere() ?? false }, async (t) => {
  const scratch = makeScratch(t);
  assert.equal((await inStore(scratch, 'store', 'mkdir old; quit')).status, 0);
  const mount = await mounted(t, scratch);
  for (const [number, reader] of ['get / out', 'inspect', `push -b -n -p '${scratch.path('store')}'`, 'merge -n .', 'ls'].entries()) {
    assert.equal((await mount.sh(`mkdir d${number} && echo x > d${number}/f`)).status, 0);
    const asked = await mount.vtftp(mount.path, '-c', reader.replace('merge -n .', `merge -n '${scratch.path('store')}'`));
    assert.equal(asked.status, 0, asked.report);
    assert.equal((await mount.sh(RECORD)).status, 0);
    const recorded = await inStore(scratch, 'store', `cat d${number}/f`);
    assert.equal(recorded.stdout, 'x\n', recorded.report);
  }
  assert.equal((await mount.sh('mkdir last && echo y > last/f')).status, 0);
  assert.equal((await mount.vtftp(mount.path, '-c', 'get / out2')).status, 0);
  assert.equal((await mount.unmount()).status, 0);
  assert.match(await after(scratch, 'store'), /^\/last\/f$/m);
});

describe('the tree of a Dirref that no archive has', () => {
  const source = async (scratch: Scratch): Promise<string> => {
    writeFileSync(scratch.path('photo'), Buffer.alloc(70_000, 'p'));
    return recited(await inStore(scratch, 'source', 'put photo; mkdir d; quit'));
  };

  it('is recorded once it was pulled: as the newest root where there is none yet', async (t) => {
    const scratch = makeScratch(t);
    const dirref = await source(scratch);
    for (const [store, end] of [
      ['one', 'sync; quit'],
      ['two', 'quit'],
      ['three', 'pwd'],
    ] as const) {
      const pulled = await inStore(scratch, store, `pull -p ./source; ${end}`, dirref);
      assert.equal(pulled.status, 0, pulled.report);
      assert.equal(await after(scratch, store), '/\n/d\n/photo\n');
    }
  });

  it('is recorded beside the newest root where there is one', async (t) => {
    const scratch = makeScratch(t);
    const dirref = await source(scratch);
    assert.equal((await inStore(scratch, 'store', 'mkdir mine; quit')).status, 0);
    const pulled = await inStore(scratch, 'store', 'pull -p ./source; sync; quit', dirref);
    assert.equal(pulled.status, 0, pulled.report);
    const changed = await inStore(scratch, 'store', 'mkdir more; quit', dirref);
    assert.equal(await after(scratch, 'store'), '/\n/mine\n');
    for (const [root, names] of [
      [dirref, 'd\nphoto\n'],
      [recited(changed), 'd\nmore\nphoto\n'],
    ] as const)
      assert.equal((await inStore(scratch, 'store', 'ls; get photo again > /dev/null', root)).stdout, names);
    const log = await vtftp([`datadir:${scratch.path('store')}@references`, '-c', 'log'], { env: scratch.env });
    assert.match(log.stdout, /^@2 .*\n@1 /, log.report);
  });

  it('is not recorded where it was only looked at', async (t) => {
    const scratch = makeScratch(t);
    const dirref = await source(scratch);
    for (const line of ['quit', '-ls; quit']) {
      const none = await inStore(scratch, 'empty', line, dirref);
      assert.equal(none.stdout, `${dirref}\n`, none.report);
    }
    assert.equal((await inStore(scratch, 'empty', 'log')).stdout, '');
  });

  it('is mounted as it is now, and what is written there goes on where it went', { skip: noMountsHere() ?? false }, async (t) => {
    const scratch = makeScratch(t);
    const old = recited(await inStore(scratch, 'store', 'mkdir a; quit'));
    const newest = recited(await inStore(scratch, 'store', 'mkdir b; quit'));
    for (const [dirref, found] of [
      [old, 'a\nmade\n'],
      [newest, 'a\nb\nmade\n'],
    ] as const) {
      const at = scratch.path('mnt');
      const made = await inStore(scratch, 'store', `mkdir made; mount mnt; !ls mnt; !touch mnt/made/in; umount mnt`, dirref);
      assert.equal(made.status, 0, made.report);
      assert.ok(made.stdout.includes(`mounted ${at}\n${found}D{`), made.report);
    }
    assert.equal(await after(scratch, 'store'), '/\n/a\n/b\n/made\n/made/in\n');
  });
});

/** A session that answers line by line. */
async function conversation(t: { after(end: () => void): void }, scratch: Scratch) {
  const begun = await Conversation.begin(['-S', scratch.path('store')], scratch);
  t.after(() => begun.kill());
  const names = async (): Promise<string> =>
    (await begun.say('ls /')).records.flatMap(({ name }) => (name === undefined ? [] : [String(name)])).join(' ');
  const status = async (line: string): Promise<number | undefined> => (await begun.say(line)).status;
  return { say: async (line: string) => await begun.say(line), names, status, end: async () => await begun.end() };
}

describe('undo and redo beside another session', () => {
  it('undo goes no step back from a root that this session has not seen: it names it, and takes it over', async (t) => {
    const scratch = makeScratch(t);
    assert.equal((await inStore(scratch, 'store', 'mkdir one; sync; mkdir two; quit')).status, 0);
    const shell = await conversation(t, scratch);
    assert.equal(await shell.names(), 'one two');
    assert.equal((await inStore(scratch, 'store', 'rmdir one; mkdir three; quit')).status, 0);
    const refused = await shell.say('undo');
    assert.match(String(refused.error), /^undo: another session recorded root 3 meanwhile, and this one takes it over/);
    assert.equal(await shell.names(), 'three two');
    assert.equal(await shell.status('undo'), 0);
    assert.equal(await shell.names(), 'one two');
    await shell.end();
    assert.equal((await inStore(scratch, 'store', 'ls')).stdout, 'one\ntwo\n');
  });

  it('a root that is named becomes the tree, whatever another session recorded', async (t) => {
    const scratch = makeScratch(t);
    assert.equal((await inStore(scratch, 'store', 'mkdir one; sync; mkdir two; quit')).status, 0);
    const shell = await conversation(t, scratch);
    assert.equal(await shell.names(), 'one two');
    assert.equal((await inStore(scratch, 'store', 'rmdir one; mkdir three; quit')).status, 0);
    assert.equal(await shell.status('mkdir four'), 0);
    const went = await shell.say('undo @1');
    assert.equal(went.records[0]?.['number'], 1);
    assert.equal(await shell.names(), 'one');
    // What was changed here was merged and recorded before.
    assert.equal(await shell.status('redo'), 0);
    assert.equal(await shell.names(), 'one two');
    assert.equal(await shell.status('undo @4'), 0);
    assert.equal(await shell.names(), 'four three two');
    await shell.end();
    assert.equal((await inStore(scratch, 'store', 'ls')).stdout, 'four\nthree\ntwo\n');
  });

  it('the same in a shell that is attached to a mount', { skip: noMountsHere() ?? false }, async (t) => {
    const scratch = makeScratch(t);
    assert.equal((await inStore(scratch, 'store', 'mkdir one; sync; mkdir two; quit')).status, 0);
    const mount = await mounted(t, scratch);
    // The top Dir has become the user's.
    assert.equal((await mount.vtftp(mount.path, '-c', 'sync')).status, 0);
    const start = (await mount.vtftp('--json', '-c', 'log')).stdout.split('\n').length - 1;
    assert.equal((await inStore(scratch, 'store', 'rmdir one; mkdir three; quit')).status, 0);
    // What others record appears in the mount, so that its undo goes back from there.
    assert.equal((await mount.sh('until test -e three; do sleep 0.1; done; ls')).stdout, 'three\ntwo\n');
    const undone = await mount.vtftp(mount.path, '-c', 'undo');
    assert.match(undone.stdout, new RegExp(`^undone: .*\\(@${start}\\)`), undone.report);
    assert.equal((await mount.sh('ls')).stdout, 'one\ntwo\n');
    assert.equal((await inStore(scratch, 'store', 'mkdir five; quit')).status, 0);
    assert.equal((await mount.sh('until test -e five; do sleep 0.1; done; ls')).stdout, 'five\none\ntwo\n');
    const named = await mount.vtftp(mount.path, '-c', 'undo @1');
    assert.equal(named.status, 0, named.report);
    assert.equal((await mount.sh('ls')).stdout, 'one\n');
    assert.equal((await inStore(scratch, 'store', 'ls')).stdout, 'one\n');
    assert.equal((await mount.vtftp(mount.path, '-c', 'redo')).status, 0);
    assert.equal((await mount.sh('ls')).stdout, 'one\ntwo\n');
  });

  it('undo and redo keep the working path where it is a Dir', async (t) => {
    const scratch = makeScratch(t);
    const lines = 'mkdir -p a/b/c; sync; mkdir a/d; sync; cd a/b/c; undo; pwd; undo; pwd; redo; redo; ls /a; cd a/d; undo; pwd';
    const shell = await inStore(scratch, 'store', lines);
    assert.equal(shell.status, 0, shell.report);
    const said = shell.stdout.split('\n').filter((line) => !line.startsWith('D{') && !/^(?:un|re)done: /.test(line));
    assert.deepEqual(said, ['/a/b/c', '/', 'b', 'd', '/a', ''], shell.report);
  });

  it('where there is nothing to go back or forward in, one line says why', async (t) => {
    const scratch = makeScratch(t);
    const dirref = recited(await inStore(scratch, 'store', 'mkdir a; quit'));
    assert.equal((await inStore(scratch, 'store', 'mkdir b; quit')).status, 0);
    for (const [source, command, says] of [
      [scratch.mkdir('local'), 'undo', /^undo: ".*local" is an ordinary directory, which has no earlier states\n$/],
      [scratch.path('local'), 'redo', /^redo: ".*local" is an ordinary directory, which has no earlier states\n$/],
      [dirref, 'undo', /^undo: this tree was opened by its Dirref, and has no archive, and so no earlier states\n$/],
      [`datadir:${scratch.path('store')}`, 'redo', /^redo: nothing to redo: the last change was not an undo \(undo @N .*\)\n$/],
      [`datadir:${scratch.path('store')}`, 'undo; redo 2', /^redo: only 1 root to go forward to \(.*\)\n$/],
    ] as const) {
      const said = await inStore(scratch, 'store', command, source);
      assert.equal(said.status, 1, said.report);
      assert.match(said.stderr, says);
    }
  });
});

test('an archive that is gone is made anew by the next sync', async (t) => {
  const scratch = makeScratch(t);
  assert.equal((await inStore(scratch, 'store', 'mkdir a; quit')).status, 0);
  const shell = await conversation(t, scratch);
  assert.equal(await shell.names(), 'a');
  assert.equal((await run('rm', [scratch.path('store/archives/default.vt')])).status, 0);
  assert.equal(await shell.status('sync'), 0);
  assert.equal((await inStore(scratch, 'store', 'ls')).stdout, 'a\n');
  await shell.end();
});

test('the note of a state names the commands that made it, and none that failed without a change', async (t) => {
  const scratch = makeScratch(t);
  const notes = async (line: string): Promise<string> => {
    await vtftp(['-S', scratch.path('store'), '-c', line], { env: scratch.env });
    const log = await vtftp(['-S', scratch.path('store'), '--json', '-c', 'log'], { env: scratch.env });
    const [newest = ''] = log.stdout.split('\n');
    return (JSON.parse(newest) as { readonly commands: string }).commands;
  };
  assert.equal(await notes('mkdir a; cp nothere b'), 'mkdir a');
  assert.equal(await notes('mkdir b || mkdir none; mkdir b || touch c; rm nothere || touch d'), 'mkdir b; touch c; touch d');
  // What it did before it failed stays, and so does its name.
  assert.equal(await notes('rm c nothere'), 'rm c nothere');
});
