import assert from 'node:assert/strict';
import { linkSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { serve } from '../../support/links/served-program.ts';
import type { Run } from '../../support/program.ts';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../../support/shells/terminal.ts';

interface Scene {
  readonly local: string;
  readonly path: (name: string) => string;
  readonly env: Readonly<Record<string, string>>;
  shell(line: string, source?: string): Promise<Run>;
}

function scene(t: TestContext): Scene {
  const scratch = makeScratch(t);
  const local = scratch.mkdir('photos');
  mkdirSync(join(local, 'sea'));
  writeFileSync(join(local, 'sea', 'one.jpg'), Buffer.alloc(100_000, 'a wave '));
  linkSync(join(local, 'sea', 'one.jpg'), join(local, 'same.jpg'));
  return {
    local,
    path: scratch.path,
    env: scratch.env,
    shell: async (line, source) =>
      await vtftp(['-S', scratch.path('store'), ...(source === undefined ? [] : [source]), '-c', line], { env: scratch.env }),
  };
}

function uriOf(run: Run): string {
  assert.equal(run.status, 0, run.report);
  const found = /^x-vt:\S+$/m.exec(run.stdout)?.[0];
  assert.ok(found !== undefined, run.report);
  return found;
}

test('a Dir of the tree is published under its name, and its URI opens it, hard links and all', async (t) => {
  const { local, path, shell } = scene(t);
  const uri = uriOf(await shell(`put ${local} photos; publish photos; quit`));
  assert.match(uri, /^x-vt:\/\S+\/photos\/$/);
  const got = await shell(`get . ${path('got')}`, uri);
  assert.equal(got.status, 0, got.report);
  assert.deepEqual(readFileSync(path('got/sea/one.jpg')), readFileSync(join(local, 'same.jpg')));
  assert.equal(statSync(path('got/same.jpg')).ino, statSync(path('got/sea/one.jpg')).ino);
  assert.equal(uriOf(await shell('publish photos')), uri);
});

test('a local directory is published without a change of the tree, and gc keeps it', async (t) => {
  const { local, shell } = scene(t);
  const made = await shell('mkdir kept; quit');
  assert.equal(made.status, 0, made.report);
  const published = await shell(`publish ${join(local, 'sea')}`);
  const uri = uriOf(published);
  assert.equal(published.stdout, `${uri}\n`, 'a script takes it as it is');
  assert.match(uri, /\/sea\/$/);
  const listed = await shell('ls; gc --grace=0; log');
  assert.equal(listed.status, 0, listed.report);
  assert.match(listed.stdout, /^kept\n/);
  assert.doesNotMatch(listed.stdout, /@2/);
  const opened = await shell('ls; cat one.jpg | wc -c', uri);
  assert.equal(opened.stdout.replace(/ /g, ''), 'one.jpg\n100000\n', opened.report);
});

test('a name of the tree comes before a local one, but for -l; a file has no slash at its end', async (t) => {
  const { local, shell } = scene(t);
  const put = await shell(`put ${join(local, 'sea')} photos; quit`);
  assert.equal(put.status, 0, put.report);
  const stored = await shell('ls', uriOf(await shell(`lcd ${join(local, '..')}; publish photos`)));
  assert.equal(stored.stdout, 'one.jpg\n', stored.report);
  const here = await shell('ls', uriOf(await shell(`lcd ${join(local, '..')}; publish -l photos`)));
  assert.equal(here.stdout, 'same.jpg\nsea\n', here.report);
  const file = uriOf(await shell(`publish -l ${join(local, 'same.jpg')}`));
  assert.match(file, /\/same\.jpg$/);
  const read = await shell('ls', file);
  assert.equal(read.stdout, 'same.jpg\n', read.report);
});

test('the root has no name to be published under; what is nowhere is named', async (t) => {
  const { shell } = scene(t);
  const made = await shell('mkdir here; quit');
  assert.equal(made.status, 0, made.report);
  const root = await shell('publish /');
  assert.equal(root.status, 1, root.report);
  assert.match(root.stderr, /^publish: .*the root has no name/m);
  const none = await shell('publish none');
  assert.equal(none.status, 1, none.report);
  assert.match(none.stderr, /^publish: .*none.*no such file/m);
});

test('--to sends it to a peer, which opens it and whose gc keeps it', async (t) => {
  const { local, path, env, shell } = scene(t);
  const made = await shell(`mkdir kept; sync; push --peer ${path('peer')} --create; quit`);
  assert.equal(made.status, 0, made.report);
  const published = await shell(`publish --to ${path('peer')} ${join(local, 'sea')}`);
  const uri = uriOf(published);
  assert.equal(published.stdout, `${uri}\n`);
  const peer = async (line: string, ...source: string[]): Promise<Run> => await vtftp(['-S', path('peer'), ...source, '-c', line], { env });
  const kept = await peer('gc --grace=0; quit');
  assert.equal(kept.status, 0, kept.report);
  const opened = await peer('cat one.jpg | wc -c', uri);
  assert.equal(opened.stdout.trim(), '100000', opened.report);
  const nowhere = await shell(`publish --to ${path('none')} ${join(local, 'sea')}`);
  assert.equal(nowhere.status, 10, nowhere.report);
  assert.match(nowhere.stderr, /^publish: .*none/m);
});

test('where httpd serves the Store, the URL of the page comes too: to a person, and as a field', NEEDS_TMUX, async (t) => {
  const scratch = makeScratch(t);
  const store = scratch.path('store');
  const docs = scratch.mkdir('docs');
  writeFileSync(join(docs, 'a.txt'), 'a text\n');
  const publish = async (...more: string[]): Promise<Run> =>
    await vtftp(['-S', store, ...more, '-c', `publish ${docs}`], { env: scratch.env });
  const made = await vtftp(['-S', store, '-c', 'mkdir kept; quit'], { env: scratch.env });
  assert.equal(made.status, 0, made.report);
  const uri = uriOf(await publish());
  const served = await serve(scratch, store, 'httpd 0');
  const { stdout, report } = await publish();
  assert.equal(stdout, `${uri}\n`, `a script has one line: ${report}`);
  const record = JSON.parse((await publish('--json')).stdout.trim().split('\n')[0] ?? '') as Readonly<Record<string, unknown>>;
  const url = String(record['url']);
  assert.equal(record['uri'], uri);
  assert.ok(url.startsWith(`${served.address}d/`), url);
  const page = await fetch(`${url}a.txt`);
  assert.equal(await page.text(), 'a text\n');
  const terminal = new Terminal(t, scratch, ['-S', store]);
  await terminal.shows(/^vtftp:\/>$/m);
  terminal.type(`publish ${docs}`);
  terminal.keys('Enter');
  await terminal.shows(/^x-vt:[\s\S]*^http:\/\/127\.0\.0\.1:\d+\/d\//m);
  await served.stop();
  assert.deepEqual(
    Object.keys(JSON.parse((await publish('--json')).stdout.trim().split('\n')[0] ?? '{}') as object).includes('url'),
    false,
  );
});
