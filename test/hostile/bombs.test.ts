import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { file, literal, superblock, tower } from '../support/bombs/bomb.ts';
import { BOMBS } from '../support/bombs/bombs.ts';
import { faultsOfMount, lookInMount } from '../support/bombs/look-in-mount.ts';
import { storeBomb } from '../support/bombs/store-bombs.ts';
import { BOMB_COMMANDS, faultOf, tryBomb } from '../support/bombs/try-bomb.ts';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { PROGRAM, vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';

// Every second bomb, with one command; `npm run attack` tries each with all, and with the exact limits.

/** Bounds that tell "ends" from "hangs". */
const LIMITS = { afterMs: 10_000, mb: 500 };
const INTERRUPT_MS = 1000;
/** Runs at a time. */
const AT_ONCE = 2;

const small = BOMBS.filter(({ isLarge }) => isLarge !== true).filter((_, i) => i % 2 === 0);

it(`${small.length} bombs: a command ends by itself or at Ctrl-C, with an exit status, in little memory`, async (t) => {
  const scratch = makeScratch(t);
  const faults: string[] = [];
  const waiting = small.entries();
  const work = async (): Promise<void> => {
    for (const [i, bomb] of waiting) {
      const store = scratch.path(`store-${i}`);
      await storeBomb(store, bomb);
      const command = (BOMB_COMMANDS[(i * 7) % BOMB_COMMANDS.length] ?? '').replace('OUT', scratch.path(`out-${i}`));
      const fault = faultOf(await tryBomb(store, command, INTERRUPT_MS, scratch.env), LIMITS);
      if (fault !== undefined) faults.push(`${bomb.name}: ${command}: ${fault}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  assert.deepEqual(faults, []);
});

it('a reader that has had enough ends a command over something endless', async (t) => {
  const scratch = makeScratch(t);
  const bombs = ['longest run of newlines', 'Dirs that are one: 30 levels of two'].map((name) => BOMBS.find((bomb) => bomb.name === name));
  for (const [i, bomb] of bombs.entries()) {
    assert.ok(bomb !== undefined);
    await storeBomb(scratch.path(`store-${i}`), bomb);
  }
  const commands = [
    ['cat bomb', 0],
    ['cat bomb | head -c 3', 0],
    ['find', 1],
    ['find -0', 1],
    ['find | head -1', 1],
    ['ls -R', 1],
    ['tree', 1],
  ] as const;
  for (const [command, store] of commands) {
    const child = spawn(
      'sh',
      ['-c', '"$@" | head -c 100 >/dev/null', 'sh', process.execPath, PROGRAM, '-S', scratch.path(`store-${store}`), '-c', command],
      {
        env: { ...process.env, ...scratch.env },
        stdio: ['ignore', 'ignore', 'inherit'],
        detached: true,
      },
    );
    const hangs = setTimeout(() => process.kill(-(child.pid ?? 0), 'SIGKILL'), 30_000);
    const [status] = (await once(child, 'close')) as [number | null];
    clearTimeout(hangs);
    assert.equal(status, 0, `${command}: its reader was gone, and it went on`);
  }
});

/** Of each kind one, a file that is read in many pieces among them. */
const MOUNTED = [
  'longest hole',
  'Dir of salt without end',
  '1,000 empty literals a superblock',
  'a name of 10 MB',
  '65,536 attributes of 200 octets',
];

it(`${MOUNTED.length} bombs, each looked at in a mount: others are answered, and the rest is recorded`, {
  skip: noMountsHere(),
}, async (t) => {
  for (const name of MOUNTED) {
    const scratch = makeScratch(t);
    const bomb = BOMBS.find((one) => one.name === name);
    assert.ok(bomb !== undefined);
    await storeBomb(scratch.path('store'), bomb);
    const blast = await lookInMount(scratch.path('store'), scratch.folder, INTERRUPT_MS, scratch.env);
    assert.deepEqual(faultsOfMount(blast, LIMITS), [], name);
  }
});

it('a file of very many pieces is read through a mount: no answer is too long for the kernel', { skip: noMountsHere() }, async (t) => {
  const scratch = makeScratch(t);
  await storeBomb(scratch.path('store'), {
    name: 'pieces',
    make: (blocks) => file('f', tower(blocks, superblock(blocks, [literal('a'), literal('b')]), 1, 30_000)),
  });
  const mount = await mounted(t, scratch);
  const read = await mount.sh('cat bomb');
  assert.equal(read.stdout, 'ab'.repeat(30_000));
});

it('what looks at many names tells of a malformed Dir with its path, and goes on', async (t) => {
  const scratch = makeScratch(t);
  const bomb = BOMBS.find(({ name }) => name === 'Dir of salt without end');
  assert.ok(bomb !== undefined);
  await storeBomb(scratch.path('store'), bomb);
  const run = async (line: string) => await vtftp(['-S', scratch.path('store'), '-c', line], { env: scratch.env });
  for (const line of ['find', 'du good bomb', 'tree', 'ls bomb good', 'ls -R']) {
    const looked = await run(line);
    assert.equal(looked.status, 13, looked.report);
    assert.match(looked.stdout, /good/, looked.report);
    assert.match(looked.stderr, /^\w+: .*\/bomb.*decode Dir: more than 64 salt records/m, looked.report);
  }
});

it('push and pull name what cannot be read, and move the rest', async (t) => {
  const scratch = makeScratch(t);
  const bomb = BOMBS.find(({ name }) => name === 'Dir of salt without end');
  assert.ok(bomb !== undefined);
  await storeBomb(scratch.path('store'), bomb);
  const lines = `mkdir kept; put ${process.execPath} kept/node; push --blocks-only -p ${scratch.path('peer')} bomb kept; quit`;
  const made = await vtftp(['-S', scratch.path('peer'), '-c', 'mkdir x; quit'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
  const pushed = await vtftp(['-S', scratch.path('store'), '-c', lines], { env: scratch.env });
  assert.equal(pushed.status, 13, pushed.report);
  assert.match(pushed.stdout, /pushed \/kept: \d/);
  assert.match(pushed.stderr, /salt records/);
});
