import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import type { Scratch } from '../../support/scratch.ts';
import { makeScratch } from '../../support/scratch.ts';

const SECRETS = { reader: 'secret-of-the-reader-', laptop: 'secret-of-the-laptop-', friend: 'secret-of-the-friend-' };
type Name = keyof typeof SECRETS;

const LINES = `reader ${SECRETS.reader} read
laptop ${SECRETS.laptop} add=laptop
friend ${SECRETS.friend} read=default/tree/photos
hashed sha256:243545d802defb6642481c76b46b23f09a0bcb36b381ac0deb3c3269255ee5ab read
`;

interface Site {
  readonly scratch: Scratch;
  readonly url: string;
  readonly store: string;
  readonly get: (token: string, path: string) => Promise<Response>;
  /** Runs a session over HTTP. */
  readonly as: (name: Name, command: string, archive?: string) => Promise<Run>;
}

async function site(t: TestContext): Promise<Site> {
  const scratch = makeScratch(t);
  const { env } = scratch;
  for (const name of ['photos', 'letters']) mkdirSync(scratch.path(`tree/${name}`), { recursive: true });
  writeFileSync(scratch.path('tree/photos/sea.jpg'), Buffer.alloc(50_000, 'the sea '));
  writeFileSync(scratch.path('tree/letters/plan.txt'), Buffer.alloc(5000, 'nobody may read this '));
  // One has names on both sides, another on the side of a friend alone.
  writeFileSync(scratch.path('tree/photos/both.txt'), Buffer.alloc(3000, 'on both sides '));
  linkSync(scratch.path('tree/photos/both.txt'), scratch.path('tree/letters/both.txt'));
  linkSync(scratch.path('tree/photos/sea.jpg'), scratch.path('tree/photos/again.jpg'));
  linkSync(scratch.path('tree/letters/plan.txt'), scratch.path('tree/letters/plan2.txt'));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${scratch.path('tree')}; quit`], { env });
  assert.equal(put.status, 0, put.report);
  writeFileSync(scratch.path('rights'), LINES, { mode: 0o600 });
  const { address: url } = await serve(scratch, store, `httpd --rights ${scratch.path('rights')} 0`);
  return {
    scratch,
    url,
    store,
    get: async (token, path) => await fetch(new URL(path, url), { headers: { authorization: `Bearer ${token}` } }),
    as: async (name, command, archive) => {
      writeFileSync(scratch.path(name), SECRETS[name], { mode: 0o600 });
      const specification = `${url},token=${scratch.path(name)}`;
      return await vtftp([...(archive === undefined ? ['-S', specification] : [`${specification}@${archive}`]), '-c', command], { env });
    },
  };
}

test('who may read below a path gets that with its hard links, over HTTP as by a shell', async (t) => {
  const { scratch, as, get } = await site(t);
  const listed = await as('friend', `ls; get . ${scratch.mkdir('got')}; log -l`);
  assert.equal(listed.status, 0, listed.report);
  assert.match(listed.stdout, /^again\.jpg\nboth\.txt\nsea\.jpg\n/);
  assert.doesNotMatch(listed.stdout, /plan|letters/);
  assert.deepEqual(readFileSync(scratch.path('got/sea.jpg')), readFileSync(scratch.path('tree/photos/sea.jpg')));
  assert.equal(statSync(scratch.path('got/sea.jpg')).ino, statSync(scratch.path('got/again.jpg')).ino);
  assert.deepEqual(readFileSync(scratch.path('got/both.txt')), readFileSync(scratch.path('tree/photos/both.txt')));
  for (const query of ['?tar', '?zip', '?vtd']) {
    const bytes = Buffer.from(await (await get(SECRETS.friend, `/archive/default/${query}`)).arrayBuffer());
    assert.ok(bytes.length > 3000 && !bytes.includes('plan'), query);
  }
});

test('an error names the right that is lacking, with the status of the shell', async (t) => {
  const { as, get } = await site(t);
  const other = await as('laptop', 'ls');
  assert.equal(other.status, 12, other.report);
  assert.match(other.stderr, /: open archive "default": "laptop" does not have the right read=default\n$/);
  const status = await get(SECRETS.friend, '/status');
  assert.equal(status.status, 403);
  assert.equal(await status.text(), '403: read status: "friend" does not have the right read\n');
  assert.equal((await get('the-token-behind-the-hash', '/archive/default/')).status, 200);
  assert.equal((await get('another-token-of-nobody--', '/archive/default/')).status, 401);
});

test('put, push and quit work over HTTP with a token that may add; what is there is not sent again', async (t) => {
  const { scratch, as, url, store } = await site(t);
  const { env } = scratch;
  const put = await as('laptop', `put ${scratch.path('tree')}; quit`, 'laptop');
  assert.equal(put.status, 0, put.report);
  const again = await as('laptop', `put ${scratch.path('tree')}; mkdir more; quit`, 'laptop');
  assert.match(again.stdout, /; 0 Blocks new/);
  const got = await as('laptop', `get tree ${scratch.path('got')}; log -l`, 'laptop');
  assert.equal(got.status, 0, got.report);
  assert.match(got.stdout, /^@2 .*mkdir more/m);
  assert.deepEqual(readFileSync(scratch.path('got/letters/plan.txt')), readFileSync(scratch.path('tree/letters/plan.txt')));

  // A Store of its own, pushed: first what the server lacks, then what both have changed, which is refused.
  const mine = scratch.path('mine');
  const peer = `${url},token=${scratch.path('laptop')}`;
  const pulled = await vtftp(['-S', mine, '-c', `peer '${peer}'; pull laptop; archives`], { env });
  assert.equal(pulled.status, 0, pulled.report);
  const pushed = await vtftp([`${mine}@laptop`, '-c', `rmdir more; sync; peer '${peer}'; push`], { env });
  assert.equal(pushed.status, 0, pushed.report);
  assert.equal((await as('laptop', 'mkdir theirs; quit', 'laptop')).status, 0);
  const parted = await vtftp([`${mine}@laptop`, '-c', `mkdir ours; sync; peer '${peer}'; push`], { env });
  assert.equal(parted.status, 1, parted.report);
  const merged = await vtftp([`${mine}@laptop`, '-c', `merge '${peer}@laptop'; sync; peer '${peer}'; push`], { env });
  assert.equal(merged.status, 0, merged.report);
  const there = await vtftp(['-S', store, '-c', 'archives; fsck', `${store}@laptop`, '-c', 'ls'], { env });
  assert.equal(there.status, 0, there.report);
  const both = await as('laptop', 'ls', 'laptop');
  assert.match(both.stdout, /ours\n(?:.*\n)*theirs/);
  const refused = await as('reader', `put ${scratch.path('tree')}`);
  assert.equal(refused.status, 11, refused.report);
});

test('share prints a link that a browser opens without a token, until its line is removed', async (t) => {
  const { scratch, store, url } = await site(t);
  const { env } = scratch;
  const rights = scratch.path('rights');
  const share = async (words: string): Promise<Run> =>
    await vtftp(['-S', store, '-c', `share --rights ${rights} --at ${url} ${words}`], { env });
  const dir = await share('--as reader tree/photos');
  assert.equal(dir.status, 0, dir.report);
  const link = dir.stdout.trim();
  const page = await fetch(link);
  assert.equal(page.status, 200);
  assert.match(await page.text(), /sea\.jpg/);
  const file = await share('--as friend --days 1 tree/photos/sea.jpg');
  assert.match(file.stdout, /\/share\/[^/]*\/sea\.jpg\n$/);
  const bytes = Buffer.from(await (await fetch(file.stdout.trim())).arrayBuffer());
  assert.deepEqual(bytes, readFileSync(scratch.path('tree/photos/sea.jpg')));
  const past = await share('--as reader --history tree/photos');
  assert.match(await (await fetch(`${past.stdout.trim()}?log`)).text(), /@1</);
  for (const [words, status, message] of [
    ['--as reader --fixed --history tree', 2, /--fixed shows one state/],
    ['--as friend tree/letters', 12, /may read only what is below \/tree\/photos/],
    ['--as laptop tree', 12, /"laptop" does not have the right read=default/],
    ['--as nobody tree', 2, /no line is named "nobody"/],
    ['tree', 2, /--as NAME/],
    ['--as reader --until 2001-01-01 tree', 2, /is in the past/],
    ['--as reader nowhere', 1, /no such file/],
  ] as const) {
    const run = await share(words);
    assert.equal(run.status, status, run.report);
    assert.match(run.stderr, message);
  }
  writeFileSync(rights, LINES.replace(/^reader.*\n/m, ''));
  assert.equal((await fetch(link)).status, 404);
});
