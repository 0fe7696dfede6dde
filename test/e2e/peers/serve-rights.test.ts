import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { it } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import type { Run } from '../../support/program.ts';
import { recited, vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

const SECRETS = {
  owner: 'secret-of-the-owner-0',
  reader: 'secret-of-the-reader-',
  laptop: 'secret-of-the-laptop-',
  friend: 'secret-of-the-friend-',
};
type Name = keyof typeof SECRETS;

const LINES = `
# who         what
owner ${SECRETS.owner} all
reader ${SECRETS.reader} read
laptop ${SECRETS.laptop} add=laptop
friend ${SECRETS.friend} read=default/photos
`;

interface Served {
  readonly scratch: Scratch;
  /** Runs a session as somebody. */
  readonly as: (name: Name, command: string, archive?: string) => Promise<Run>;
  readonly here: (command: string) => Promise<Run>;
  readonly writeLines: (text: string) => void;
}

async function served(t: TestContext): Promise<Served> {
  const scratch = makeScratch(t);
  const { env } = scratch;
  mkdirSync(scratch.path('tree/photos'), { recursive: true });
  writeFileSync(scratch.path('tree/photos/sea.jpg'), Buffer.alloc(50_000, 'the sea '));
  writeFileSync(scratch.path('tree/diary.txt'), Buffer.alloc(5000, 'nobody may read this '));
  const store = scratch.path('store');
  const here = async (command: string): Promise<Run> => await vtftp(['-S', store, '-c', command], { env });
  const first = await here(`put ${scratch.path('tree')}/photos; put ${scratch.path('tree')}/diary.txt; quit`);
  assert.equal(first.status, 0, first.report);
  const rights = scratch.path('rights');
  const writeLines = (text: string): void => writeFileSync(rights, text, { mode: 0o600 });
  writeLines(LINES);
  const { address } = await serve(scratch, store, `serve --rights ${rights} unix:${scratch.path('s.sock')}`);
  return {
    scratch,
    here,
    writeLines,
    as: async (name, command, archive) => {
      writeFileSync(scratch.path(name), SECRETS[name], { mode: 0o600 });
      const specification = `${address},secret=${scratch.path(name)}`;
      return await vtftp([...(archive === undefined ? ['-S', specification] : [`${specification}@${archive}`]), '-c', command], { env });
    },
  };
}

it('each client does what its line says; an error names the right that is lacking', async (t) => {
  const { as, here, scratch, writeLines } = await served(t);
  const tree = scratch.path('tree');

  const reads = await as('reader', 'cat diary.txt; archives');
  assert.equal(reads.status, 0, reads.report);
  const writes = await as('reader', `put ${tree}/diary.txt again.txt`);
  assert.equal(writes.status, 11, writes.report);
  assert.match(writes.stderr, /^put: .*: read-only \(ask for more rights: "reader" does not have the right add\)\n$/);

  const puts = await as('laptop', `put ${tree} mine; quit`, 'laptop');
  assert.equal(puts.status, 0, puts.report);
  const others = await as('laptop', 'ls');
  assert.equal(others.status, 12, others.report);
  assert.match(others.stderr, /: open archive "default": "laptop" does not have the right read=default\n$/);
  assert.equal((await here('ls -R')).stdout.includes('mine'), false);

  const got = await as('friend', `ls; get sea.jpg ${scratch.path('sea.jpg')}; archives`);
  assert.equal(got.status, 0, got.report);
  assert.match(got.stdout, /^sea\.jpg\n/);
  assert.deepEqual(readFileSync(scratch.path('sea.jpg')), readFileSync(`${tree}/photos/sea.jpg`));
  const history = await as('friend', 'log -l');
  assert.doesNotMatch(history.stdout, /diary|laptop/);
  // The whole tree by its Dirref, which somebody may have told: it is not there.
  const whole = recited(await here('quit'));
  const peeked = await as('friend', `open '${whole}'; ls`);
  assert.equal(peeked.status, 13, peeked.report);

  writeLines(LINES.replace(/^reader.*\n/m, ''));
  const gone = await as('reader', 'ls');
  assert.equal(gone.status, 12, gone.report);
  assert.match(gone.stderr, /does not know the secret/);
  assert.equal((await as('owner', `put ${tree}/diary.txt again.txt; quit`)).status, 0);
});

it('a friend pulls what is shared, and a laptop pushes to its own archive, step by step', async (t) => {
  const { as, here, scratch } = await served(t);
  const { env } = scratch;
  const address = `unix:${scratch.path('s.sock')},secret=${scratch.path('laptop')}`;
  writeFileSync(scratch.path('laptop'), SECRETS.laptop, { mode: 0o600 });
  const mine = scratch.path('mine');
  const session = async (command: string): Promise<void> => {
    const run = await vtftp([`${mine}@laptop`, '-c', command], { env });
    assert.equal(run.status, 0, run.report);
  };
  assert.equal((await vtftp(['-S', mine, '-c', 'mkdir other; quit'], { env })).status, 0);
  await session(`put ${scratch.path('tree')}; peer '${address}'; push`);
  await session(`rm tree/diary.txt; peer '${address}'; push`);
  assert.match((await here(`archives`)).stdout, /laptop +2 states/);
  const friend = `unix:${scratch.path('s.sock')},secret=${scratch.path('friend')}`;
  assert.equal((await as('friend', 'ls')).status, 0);
  const pulled = await vtftp(['-S', scratch.path('theirs'), '-c', `peer '${friend}'; pull; get sea.jpg ${scratch.path('sea.jpg')}`], {
    env,
  });
  assert.equal(pulled.status, 0, pulled.report);
  assert.ok(existsSync(scratch.path('sea.jpg')));
});

it('a file that others may read, or a broken line, is not served from', async (t) => {
  const scratch = makeScratch(t);
  const rights = scratch.path('rights');
  for (const [text, mode, message] of [
    [LINES, 0o644, /can be read by others \(run: chmod 600 /],
    ['anna short read\n', 0o600, /, line 1: "anna": its secret has 5 characters/],
  ] as const) {
    writeFileSync(rights, text);
    chmodSync(rights, mode);
    const run = await vtftp(['-S', scratch.path('store'), '-c', `serve --rights ${rights} unix:${scratch.path('s.sock')}`], {
      env: scratch.env,
    });
    assert.notEqual(run.status, 0, run.report);
    assert.match(run.stderr, message);
  }
  const both = await vtftp(['-c', `serve --rights ${rights} --secret ${rights} tcp:0`], { env: scratch.env });
  assert.equal(both.status, 2, both.report);
});
