import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../../support/links/served-program.ts';
import { PROGRAM, recited, vtftp } from '../../support/program.ts';
import { rsyncDifferences } from '../../support/rsync/rsync.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';
import { makeTree } from '../../support/trees/make-tree.ts';

const missing = (text: string): number => Number(/: ([\d,]+) Blocks? of/.exec(text)?.[1]?.replaceAll(',', ''));

async function filled(scratch: Scratch, store: string): Promise<string> {
  makeTree(scratch.path('tree'), { files: 300, seed: 8 });
  const put = await vtftp(['-S', store, '-c', `put ${scratch.path('tree')} docs; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  return recited(put);
}

/** What a batch of Blocks takes in a Store, about; Dirs, which come before it, take a tenth of it. */
const BATCH_SIZE = 500_000;
/** A wait for what another process does, that takes longer, has failed. */
const NEVER_MS = 120_000;

/** Waits until the data of a Store take so many bytes. */
async function holds(store: string, bytes: number): Promise<void> {
  const size = (): number => readdirSync(`${store}/data`).reduce((sum, name) => sum + statSync(`${store}/data/${name}`).size, 0);
  for (const startMs = performance.now(); size() < bytes; await delay(5))
    assert.ok(performance.now() - startMs < NEVER_MS, `${store} does not come to hold ${bytes} bytes`);
}

async function madeStore(scratch: Scratch, store: string): Promise<void> {
  const made = await vtftp(['-S', store, '-c', 'mkdir own; quit'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
}

it('a tree goes to a peer by push, and comes from there by pull, whole, and nothing travels twice', async (t) => {
  const scratch = makeScratch(t);
  const [a, b, c] = [scratch.path('a'), scratch.path('b'), scratch.path('c')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  await madeStore(scratch, c);
  const run = async (store: string, source: string[], commands: string) =>
    await vtftp(['-S', store, ...source, '-c', commands], { env: scratch.env });

  const planned = await run(a, [], `push -b -n --peer ${b}`);
  assert.equal(planned.status, 0, planned.report);
  assert.match(planned.stdout, /^push \/: [\d,]+ Blocks of [\d,]+ missing at/m);
  assert.doesNotMatch(planned.stdout, /^pushed/m);
  const pushed = await run(a, [], `push -b --peer ${b} docs; push -b --peer ${b}; push -b --peer ${b}`);
  assert.equal(pushed.status, 0, pushed.report);
  const counts = pushed.stdout
    .split('\n')
    .filter((line) => line.startsWith('push /'))
    .map(missing);
  assert.equal(counts.length, 3, pushed.report);
  assert.equal((counts[0] as number) + (counts[1] as number), missing(planned.stdout), 'what was estimated is what was moved');
  assert.equal(counts[2], 0);

  const pulled = await run(c, [dirref], `pull -n --peer ${b}; pull --peer ${b}; pull --peer ${b}; get docs ${scratch.path('got')}; quit`);
  assert.equal(pulled.status, 0, pulled.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
  assert.match(pulled.stdout, /^pull \/: 0 Blocks of 0 missing here/m);
  for (const store of [b, c]) {
    const checked = await run(store, [], 'fsck; scrub');
    assert.equal(checked.status, 0, checked.report);
  }
});

it('through a served Store, with a peer of the session, in JSON too', async (t) => {
  const scratch = makeScratch(t);
  const [a, b] = [scratch.path('a'), scratch.path('b')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  const socket = scratch.path('run/b.sock');
  const server = await serve(scratch, b, `serve unix:${socket}`);
  const pushed = await vtftp(
    ['-S', a, '--json', '-c', `peer unix:${socket}; push -b docs; push -b --limit-rate 100M -j 2 .; push -b; push -b --recheck`],
    {
      env: scratch.env,
    },
  );
  assert.equal(pushed.status, 0, pushed.report);
  const records = pushed.stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .filter((record) => record['push'] !== undefined);
  assert.equal(records.length, 4, pushed.report);
  for (const record of records) {
    assert.equal(record['missing_blocks'], record['moved_blocks']);
    assert.equal(record['missing_bytes'], record['moved_bytes']);
  }
  const asked = records.map((record) => Number(record['needed_blocks']));
  assert.ok((asked[0] ?? 0) > (asked[1] ?? 0) && asked[2] === 0 && (asked[3] ?? 0) > (asked[0] ?? 0), asked.join(' '));
  await server.stop();
  const opened = await vtftp(['-S', b, dirref, '-c', `get docs ${scratch.path('got')}`], { env: scratch.env });
  assert.equal(opened.status, 0, opened.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
});

it('what the peer has damaged is named with its paths, the rest comes, and another peer gives it', async (t) => {
  const scratch = makeScratch(t);
  const [a, good, c] = [scratch.path('a'), scratch.path('good'), scratch.path('c')];
  writeFileSync(scratch.path('one'), 'the first of two files, whose octets are easily found in a data file');
  writeFileSync(scratch.path('two'), 'the second of two files, whose octets are just as easily found there');
  for (const store of [a, good]) {
    const put = await vtftp(['-S', store, '-c', `put ${scratch.path('one')} ${scratch.path('two')} .; quit`], { env: scratch.env });
    assert.equal(put.status, 0, put.report);
  }
  const opened = await vtftp(['-S', a, '-c', 'quit'], { env: scratch.env });
  const dirref = recited(opened);
  await madeStore(scratch, c);
  for (const name of readdirSync(`${a}/data`)) {
    const path = `${a}/data/${name}`;
    const data = readFileSync(path);
    const at = data.indexOf('the second of two');
    if (at < 0) continue;
    data[at] = 0x54;
    writeFileSync(path, data);
  }
  const pulled = await vtftp(['-S', c, dirref, '-c', `pull --peer ${a}`], { env: scratch.env });
  assert.equal(pulled.status, 13, pulled.report);
  assert.match(pulled.stderr, /\/two: /);
  assert.doesNotMatch(pulled.stderr, /\/one: /);
  const mended = await vtftp(['-S', c, dirref, '-c', `pull --peer ${good}; cat one two`], { env: scratch.env });
  assert.equal(mended.status, 0, mended.report);
  assert.match(mended.stdout, /^pull \/: 1 Block of/m);
});

it('kill -9 in the middle of a push or pull leaves what came, and a rerun completes', async (t) => {
  const scratch = makeScratch(t);
  const a = scratch.path('a');
  const dirref = await filled(scratch, a);
  for (const [index, delayMs] of [0, 20, 60, 120, 200, 320].entries()) {
    const to = scratch.path(`to-${index}`);
    await madeStore(scratch, to);
    const args = index % 2 === 0 ? ['-S', a, '-c', `push --blocks-only --peer ${to}`] : ['-S', to, dirref, '-c', `pull --peer ${a}`];
    const victim = spawn(process.execPath, [PROGRAM, ...args], {
      env: { ...process.env, ...scratch.env },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    // The estimate is printed: from then on Blocks travel.
    await Promise.race([once(victim.stdout, 'data'), once(victim, 'exit')]);
    await new Promise((resolve) => setTimeout(resolve, delayMs));
    victim.kill('SIGKILL');
    if (victim.exitCode === null && victim.signalCode === null) await once(victim, 'exit');
    const again = await vtftp(args, { env: scratch.env });
    assert.equal(again.status, 0, again.report);
    const checked = await vtftp(['-S', to, dirref, '-c', `get docs ${scratch.path(`got-${index}`)}; !true`], { env: scratch.env });
    assert.equal(checked.status, 0, checked.report);
    assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path(`got-${index}`)), '');
    const scrubbed = await vtftp(['-S', to, '-c', 'fsck; scrub'], { env: scratch.env });
    assert.equal(scrubbed.status, 0, scrubbed.report);
  }
});

it('without a peer, with one of another hash function, or a wrong option there is a sentence and its status', async (t) => {
  const scratch = makeScratch(t);
  const a = scratch.path('a');
  await madeStore(scratch, a);
  for (const [commands, status, says] of [
    ['push', 2, /there is no peer \(add one: peer STORE, or name a Store with -p\)/],
    ['pull --peer nobody', 2, /there is no peer "nobody" \(add one: peer STORE; for a folder type \.\/nobody\)/],
    [`push --peer ${scratch.path('nowhere')}/x`, 10, /no such folder/],
    ['push -b --peer memory:,hash=blake3', 1, /hash function/],
    ['push -j 0 --peer memory:', 2, /expected a number of 1 to 64/],
    ['push --limit-rate fast --peer memory:', 2, /expected bytes a second/],
    ['pull -b nothing --peer memory:', 1, /nothing/],
    ['pull nothing --peer memory:', 1, /pull: nothing: Store "memory:" has no archives \(pull --blocks-only moves only Blocks\)/],
    ['push a/b --peer memory:', 1, /push: a\/b: not a name of an archive \(push --blocks-only takes paths\)/],
    [`push --peer ${scratch.path('nowhere')}`, 10, /no such folder \(--create makes the Store\)/],
  ] as const) {
    const run = await vtftp(['-S', a, '-c', commands], { env: scratch.env });
    assert.equal(run.status, status, run.report);
    assert.match(run.stderr, says, run.report);
  }
});

/** The Blocks that are listed as missing, and those that came before it was broken off. */
const missingOf = (text: string): number[] => text.split('\n').flatMap((line) => (line.includes(' missing ') ? [missing(line)] : []));

for (const direction of ['push', 'pull'] as const)
  it(`Ctrl-C in the middle of a ${direction} keeps what came, says so, and the same command goes on from there`, async (t) => {
    const scratch = makeScratch(t);
    const [a, b] = [scratch.path('a'), scratch.path('b')];
    const dirref = await filled(scratch, a);
    await madeStore(scratch, b);
    const args = (more: string): string[] =>
      direction === 'push' ? ['-S', a, '-c', `push -b ${more} --peer ${b}`] : ['-S', b, dirref, '-c', `pull ${more} --peer ${a}`];
    const all = missingOf((await vtftp(args('-n'), { env: scratch.env })).stdout)[0] ?? 0;
    const broken = await vtftp(args('--limit-rate 40k -j 1'), {
      env: scratch.env,
      during: async (program) => {
        await program.printed(' missing ');
        // The first batch goes at once, the next one has to wait for half a minute.
        await holds(b, BATCH_SIZE);
        program.kill('SIGINT');
      },
    });
    assert.equal(broken.status, 130, broken.report);
    assert.match(broken.stderr, /are moved and stay; the same command continues from there/);
    const again = await vtftp(args(''), { env: scratch.env });
    assert.equal(again.status, 0, again.report);
    const rest = missingOf(again.stdout)[0] ?? 0;
    assert.ok(rest > 0 && rest < all, `${rest} of ${all} were still missing`);
    const got = await vtftp(['-S', b, dirref, '-c', `get docs ${scratch.path('got')}; fsck`], { env: scratch.env });
    assert.equal(got.status, 0, got.report);
    assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
  });

it('Ctrl-C while a pull finds out what is missing keeps the Dirs that came, at the rate that was asked for', async (t) => {
  const scratch = makeScratch(t);
  const [a, b] = [scratch.path('a'), scratch.path('b')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  let killedMs = 0;
  const broken = await vtftp(['-S', b, dirref, '-c', `pull --limit-rate 1k --peer ${a}`], {
    env: scratch.env,
    during: async (program) => {
      // The second batch of Dirs: the first one is counted by then, and all of them would take a minute.
      await holds(b, 8000);
      killedMs = performance.now();
      program.kill('SIGINT');
    },
  });
  assert.equal(broken.status, 130, broken.report);
  assert.doesNotMatch(broken.stdout, / missing /, 'it was still finding out');
  assert.match(broken.stderr, /are moved and stay/);
  assert.ok(performance.now() - killedMs < 30_000, 'the rate holds up no Ctrl-C');
  const again = await vtftp(['-S', b, dirref, '-c', `pull --peer ${a}`], { env: scratch.env });
  assert.equal(again.status, 0, again.report);
});

it('a server that is killed in the middle of a push ends it with a sentence; started again, the rest goes', async (t) => {
  const scratch = makeScratch(t);
  const [a, b] = [scratch.path('a'), scratch.path('b')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  const socket = scratch.path('run/b.sock');
  const served = await serve(scratch, b, `serve unix:${socket}`);
  const broken = await vtftp(['-S', a, '-c', `push -b --limit-rate 400k -j 1 --peer unix:${socket}`], {
    env: scratch.env,
    during: async (program) => {
      await program.printed(' missing ');
      await served.stop('SIGKILL');
    },
  });
  assert.ok(broken.status !== 0 && broken.status !== undefined, broken.report);
  assert.match(broken.stderr, /connection/, broken.report);
  const next = await serve(scratch, b, `serve unix:${socket}`);
  const again = await vtftp(['-S', a, '-c', `push -b --peer unix:${socket}`], { env: scratch.env });
  assert.equal(again.status, 0, again.report);
  await next.stop();
  const got = await vtftp(['-S', b, dirref, '-c', `get docs ${scratch.path('got')}; fsck; scrub`], { env: scratch.env });
  assert.equal(got.status, 0, got.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
});

it('what was bound unchecked is pulled; below a Dir that is not here the remedy is told', async (t) => {
  const scratch = makeScratch(t);
  const [a, b] = [scratch.path('a'), scratch.path('b')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  const below = await vtftp(['-S', b, dirref, '-c', `pull -b --peer ${a} docs`], { env: scratch.env });
  assert.equal(below.status, 13, below.report);
  assert.match(below.stderr, /not in Store .* \(pull the Dir above it first; with -d without the contents of files\)/);
  const run = await vtftp(['-S', b, '-c', `bind -u far '${dirref}'; pull -b --peer ${a} far; get far/docs ${scratch.path('got')}`], {
    env: scratch.env,
  });
  assert.equal(run.status, 0, run.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
});

it('a command that serves a Store and is killed in the middle of a push is started again, gets what it lacks, and the push succeeds', async (t) => {
  const scratch = makeScratch(t);
  const [a, b, pids] = [scratch.path('a'), scratch.path('b'), scratch.path('pids')];
  const dirref = await filled(scratch, a);
  await madeStore(scratch, b);
  const served = scratch.path('served');
  writeFileSync(served, `#!/bin/sh\necho $$ >> '${pids}'\nexec '${process.execPath}' '${PROGRAM}' -S '${b}' -c 'serve -'\n`, {
    mode: 0o755,
  });
  const pushed = await vtftp(['-S', a, '-c', `push -b --limit-rate 400k -j 1 --peer '!${served}'`], {
    env: scratch.env,
    during: async (program) => {
      await program.printed(' missing ');
      // The first batch goes at once and is not yet durable; the next ones have to wait.
      await holds(b, BATCH_SIZE);
      process.kill(Number(readFileSync(pids, 'utf8').trim().split('\n').at(-1)), 'SIGKILL');
    },
  });
  assert.equal(pushed.status, 0, pushed.report);
  assert.equal(readFileSync(pids, 'utf8').trim().split('\n').length, 2, pushed.report);
  const got = await vtftp(['-S', b, dirref, '-c', `get docs ${scratch.path('got')}; fsck; scrub`], { env: scratch.env });
  assert.equal(got.status, 0, got.report);
  assert.equal(await rsyncDifferences(scratch.path('tree'), scratch.path('got')), '');
});
