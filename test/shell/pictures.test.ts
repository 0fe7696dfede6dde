import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { sparkline } from '../../commands/parts/pictures/bars.ts';
import { ReadRate } from '../../core/follow/read-rate.ts';
import { vtftp } from '../support/program.ts';
import { makeScratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

describe('du -i', () => {
  it('shows a Dir by size, descends, sorts, and removes what is confirmed; undo brings it back', NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    for (const name of ['tree/big/deep', 'tree/small']) scratch.mkdir(name);
    writeFileSync(scratch.path('tree/big/deep/film'), randomBytes(300_000));
    writeFileSync(scratch.path('tree/big/song'), randomBytes(100_000));
    writeFileSync(scratch.path('tree/small/note'), 'a note\n');
    const terminal = new Terminal(t, scratch, ['-S', scratch.path('store'), '-c', 'put tree; sync', '-i']);
    await terminal.shows(/^vtftp:\/>$/m);
    terminal.type('du -i tree');
    terminal.keys('Enter');
    await terminal.shows(/^\/tree {2}391K, 6 names\n +391K 100% █+ big\/ {2}3 names\n +7B +0% ▏ +small\/ {2}1 name\n/);
    terminal.keys('Enter');
    await terminal.shows(/^\/tree\/big {2}391K, 3 names\n +293K +75% .* deep\/.*\n +98K +25% .* song\n/);
    terminal.keys('n', 'n');
    await terminal.shows(/^\/tree\/big .*\n.* song\n+.* deep\//);
    // The mark is still on deep.
    terminal.type('d');
    await terminal.shows(/^Remove deep and 1 name below\? y\/N$/m);
    terminal.type('n');
    await terminal.shows(/^Return opens/m);
    terminal.type('dy');
    await terminal.shows(/^\/tree\/big {2}98K, 1 name\n+.*100% .* song\n[\s\S]*^removed deep; undo brings it back$/m);
    terminal.keys('BSpace');
    await terminal.shows(/^\/tree {2}98K, 4 names\n+.* small\/ .*\n.* big\/ {2}1 name\n/);
    terminal.resize(50, 20);
    await terminal.shows(/^\/tree {2}98K, 4 names\n[\s\S]*^Return opens, Backspace leaves, s n c sort, d re…$/m);
    terminal.keys('C-c');
    await terminal.shows(/^vtftp:\/\*>$/m);
    terminal.type('undo; ls tree/big');
    terminal.keys('Enter');
    await terminal.shows(/^deep {2}song$/m);
  });

  it('removes nothing of a past state, and is refused where there is no terminal', NEEDS_TMUX, async (t) => {
    const scratch = makeScratch(t);
    const store = scratch.path('store');
    const terminal = new Terminal(t, scratch, ['-S', store, '-c', 'mkdir -p a/b; sync; mkdir c; sync; cd @1', '-i']);
    await terminal.shows(/^vtftp@1:\/>$/m);
    terminal.type('du -i');
    terminal.keys('Enter');
    await terminal.shows(/^\/ {2}0B, 2 names$/m);
    terminal.type('d');
    await terminal.shows(/^a stays: what is shown is read-only$/m);
    terminal.type('q');
    await terminal.shows(/^vtftp@1:\/>$/m);
    const refused = await vtftp(['-S', store, '-c', 'du -i'], { env: scratch.env, cwd: scratch.folder });
    assert.equal(refused.stderr, 'du: --interactive needs a terminal (leave it out in scripts)\n');
    assert.equal(refused.status, 2);
  });
});

it('inspect --map tells which parts of a file others have too, which it repeats, and which are a hole', async (t) => {
  const scratch = makeScratch(t);
  const [shared, own, twice] = [randomBytes(400_000), randomBytes(300_000), randomBytes(200_000)];
  writeFileSync(scratch.path('other'), shared);
  writeFileSync(scratch.path('file'), Buffer.concat([shared, own, Buffer.alloc(300_000), twice, twice]));
  const drawn = await vtftp(['-S', scratch.path('store'), '-c', 'mkdir in; put other in; put file .; inspect --map file'], {
    env: scratch.env,
    cwd: scratch.folder,
  });
  assert.match(drawn.stdout, /^ {2}a{5}[\s\S]*·{5}[\s\S]*-{5}[\s\S]*={5}/m, drawn.report);
  assert.match(drawn.stdout, /^ {2}a {4}3\d\dK +2\d% {2}\/in\/other$/m, drawn.report);
  assert.match(drawn.stdout, /^ {2}- {4}293K +21% {2}one byte again and again, or a hole$/m);
  const told = await vtftp(['-S', scratch.path('store'), '--json', '-c', 'inspect --map file'], { env: scratch.env, cwd: scratch.folder });
  const { map, shared_with, size } = JSON.parse(told.stdout) as {
    readonly map: readonly { readonly start: number; readonly bytes: number; readonly part: string; readonly with?: string }[];
    readonly shared_with: readonly { readonly path: string; readonly bytes: number }[];
    readonly size: number;
  };
  let end = 0;
  for (const { start, bytes } of map) {
    assert.equal(start, end);
    end += bytes;
  }
  assert.equal(end, size);
  const bytesOf = (part: string): number => map.reduce((sum, each) => (each.part === part ? sum + each.bytes : sum), 0);
  assert.equal(bytesOf('run'), 300_000);
  assert.ok(bytesOf('shared') > 350_000 && bytesOf('shared') <= 400_000, told.report);
  assert.ok(bytesOf('repeated') > 300_000 && bytesOf('repeated') <= 400_000, told.report);
  assert.deepEqual(shared_with, [{ path: '/in/other', bytes: bytesOf('shared') }]);
  assert.ok(map.every((each) => (each.part === 'shared') === (each.with === '/in/other')));
});

it('a sparkline has a character for each value, the highest for the largest', () => {
  assert.equal(sparkline([0, 1, 7, 3.5], true), '▁▂█▅');
  assert.equal(sparkline([0, 7], false), '_#');
  assert.equal(sparkline([0, 0], true), '▁▁');
});

it('the bytes of each of the last seconds are remembered, and no more', () => {
  const rate = new ReadRate(0);
  rate.note(500, 10);
  rate.note(900, 15);
  rate.note(3000, 115);
  assert.deepEqual(rate.recent(3999).slice(-4), [15, 0, 0, 100]);
  assert.deepEqual(rate.recent(24_000).slice(0, 4), [0, 0, 100, 0]);
  rate.note(60_000, 115);
  assert.ok(rate.recent(60_000).every((bytes) => bytes === 0));
});
