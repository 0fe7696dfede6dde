import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { formatBlock } from '../../../core/block/block-text.ts';
import { parseDirent } from '../../../core/dirent/dirent-text.ts';
import { recited, vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

test('the same shell opens a Dirref, a blockref, an x-vt URI, a Store, an archive file and a local directory', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.path('docs');
  mkdirSync(`${docs}/sub`, { recursive: true });
  writeFileSync(`${docs}/sub/letter`, 'dear reader\n');
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} docs; quit`], { env });
  assert.equal(put.status, 0, put.report);
  const root = recited(put);

  const inspected = await vtftp(['-S', store, '--json', '-c', 'inspect docs'], { env });
  assert.equal(inspected.status, 0, inspected.report);
  const dirent = parseDirent(root);
  assert.ok(dirent.kind === 'dir');
  const blockref = formatBlock(dirent.block);
  const sources: Readonly<Record<string, { args: readonly string[]; path: string }>> = {
    'a Dirref': { args: ['-S', store, root], path: 'docs/sub/letter' },
    'a blockref': { args: ['-S', store, blockref], path: 'docs/sub/letter' },
    'an x-vt URI': { args: ['-S', store, `x-vt:/${encodeURIComponent(root)}/`], path: 'docs/sub/letter' },
    'an x-vt URI with a path': { args: ['-S', store, `x-vt:/${encodeURIComponent(root)}/docs/sub/`], path: 'letter' },
    'the latest root of a Store': { args: ['-S', store], path: 'docs/sub/letter' },
    'a Store as source': { args: [`datadir:${store}`], path: 'docs/sub/letter' },
    'an archive file': { args: ['-S', store, `${store}/archives/default.vt`], path: 'docs/sub/letter' },
    'a local directory': { args: ['-S', store, docs], path: 'sub/letter' },
  };
  for (const [name, { args, path }] of Object.entries(sources)) {
    const opened = await vtftp([...args, '-c', `cat ${path}; ls -1; stat ${path}`], { env });
    assert.equal(opened.status, 0, `${name}: ${opened.report}`);
    assert.match(opened.stdout, /^dear reader\n/, name);
    const typed = await vtftp(['-S', store, '-c', `open ${args.at(-1) === store ? `datadir:${store}` : args.at(-1)}; cat ${path}`], {
      env,
    });
    assert.equal(typed.status, 0, `open ${name}: ${typed.report}`);
    assert.equal(typed.stdout.split('\n')[0], 'dear reader', `open ${name}`);
  }
});

test('changes in an open local directory are changes of that directory', async (t) => {
  const scratch = makeScratch(t);
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/old`, 'x\n');
  const changed = await vtftp(['-S', scratch.path('store'), '--write', docs, '-c', 'mkdir new; mv old new/name; cp new/name copy'], {
    env: scratch.env,
  });
  assert.equal(changed.status, 0, changed.report);
  assert.equal(readFileSync(`${docs}/new/name`, 'utf8'), 'x\n');
  assert.equal(readFileSync(`${docs}/copy`, 'utf8'), 'x\n');
});

test('BIND attaches a tree by its text form without copying, and GET of it is the same', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, 'dear reader\n'.repeat(1000));
  const store = scratch.path('store');
  const put = await vtftp(['-S', store, '-c', `put ${docs} docs; quit`], { env });
  const root = recited(put);
  const bound = await vtftp(['-S', store, '-c', `bind again ${root}; cat again/docs/letter`], { env });
  assert.equal(bound.status, 0, bound.report);
  assert.match(bound.stdout, /^(dear reader\n){1000}/);
});

test('INSPECT tells type, size, mode, times, reference and block tree; --json holds the same', async (t) => {
  const scratch = makeScratch(t);
  const { env } = scratch;
  const docs = scratch.mkdir('docs');
  writeFileSync(`${docs}/letter`, Buffer.alloc(300_000, 'dear reader, '), { mode: 0o640 });
  const store = scratch.path('store');
  const shown = await vtftp(['-S', store, '-c', `put ${docs} docs; inspect docs/letter`], { env });
  assert.equal(shown.status, 0, shown.report);
  assert.match(shown.stdout, /300000|300,000/);
  assert.match(shown.stdout, /0?640|rw-r-----/);
  const json = await vtftp(['-S', store, '--json', '-c', 'inspect docs/letter'], { env });
  assert.equal(json.status, 0, json.report);
  const record = JSON.parse(json.stdout.split('\n')[0] ?? '') as { size?: number };
  assert.equal(record.size, 300_000, json.report);
});

test('open, join and merge expand ~ where it is not quoted', async (t) => {
  const scratch = makeScratch(t);
  const env = { ...scratch.env, HOME: scratch.mkdir('home') };
  const made = await vtftp(['-S', scratch.path('home/other'), '-c', 'mkdir inside; quit'], { env });
  assert.equal(made.status, 0, made.report);
  const run = async (line: string) => await vtftp(['-S', scratch.path('own'), '-c', line], { env });
  const all = await run('mkdir own; join ~/other j; ls j; merge ~/other@1; ls; sync; open ~/other; ls');
  assert.equal(all.status, 0, all.report);
  assert.match(all.stdout, /joined \/j\ninside\n(?:[^\n]*: \/[^\n]*\n)*merged into \/: 0 conflicts\ninside\nj\nown\n[^\n]*\ninside\n$/);
  const quoted = await run("join '~/other' k");
  assert.equal(quoted.status, 10, quoted.report);
});
