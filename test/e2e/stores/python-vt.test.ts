import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { makeScratch } from '../../support/scratch.ts';

const FIXTURES = join(PROJECT_ROOT, 'test/golden/python-vt');

/** A line of the manifests that were made beside the fixtures. */
interface ManifestEntry {
  readonly path: string;
  readonly type: 'file' | 'dir' | 'symlink';
  readonly mode: string;
  readonly mtime_ns: number;
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly linkgroup?: string;
}

function manifest(name: string): ManifestEntry[] {
  return JSON.parse(readFileSync(join(FIXTURES, name, 'manifest.json'), 'utf8')) as ManifestEntry[];
}

/** What stands on disk, in the manifest's terms. */
function found(folder: string, entry: ManifestEntry): Partial<ManifestEntry> {
  const path = join(folder, entry.path);
  const stat = lstatSync(path);
  const common = { path: entry.path };
  if (stat.isDirectory()) return { ...common, type: 'dir' };
  if (stat.isSymbolicLink()) return { ...common, type: 'symlink', target: readlinkSync(path) };
  return { ...common, type: 'file', size: stat.size, sha256: createHash('sha256').update(readFileSync(path)).digest('hex') };
}

function wanted(entry: ManifestEntry): Partial<ManifestEntry> {
  const { path, type, size, sha256, target } = entry;
  return {
    path,
    type,
    ...(size === undefined ? {} : { size }),
    ...(sha256 === undefined ? {} : { sha256 }),
    ...(target === undefined ? {} : { target }),
  };
}

interface Fixture {
  readonly name: string;
  readonly archive: string;
  /** Path in the opened tree to what the manifest lists. */
  readonly top: string;
}

for (const { name, archive, top } of [
  { name: 'mount', archive: 'rw.vt', top: '/' },
  { name: 'pack', archive: 'tree.vt', top: '/' },
] satisfies Fixture[]) {
  test(`the archive ${archive} and the datadir of the Python vt's ${name} open, and GET gives what the manifest lists`, async (t) => {
    const scratch = makeScratch(t);
    const target = scratch.path('target');
    const entries = manifest(name);
    const get = await vtftp(['-S', join(FIXTURES, name, 'store'), join(FIXTURES, name, archive), '-c', `get ${top} ${target}`], {
      env: scratch.env,
    });
    assert.equal(get.status, 0, get.report);
    for (const entry of entries) assert.deepEqual(found(target, entry), wanted(entry));
    const names = readdirSync(target, { recursive: true, encoding: 'utf8' }).sort();
    assert.deepEqual(
      names,
      entries
        .map((entry) => entry.path)
        .filter((path) => path !== '.')
        .sort(),
    );

    const groups = entries.filter((entry) => entry.linkgroup !== undefined && name === 'mount');
    for (const entry of groups)
      assert.equal(lstatSync(join(target, entry.path)).ino, lstatSync(join(target, entry.linkgroup ?? '')).ino, entry.path);
    if (name !== 'mount') return;
    for (const entry of entries.filter((one) => one.type !== 'symlink' && one.path !== '.')) {
      assert.equal(lstatSync(join(target, entry.path)).mode & 0o777, Number(entry.mode) & 0o777, `mode of ${entry.path}`);
    }
  });
}

test('a file of a Python vt archive opens and reads', async (t) => {
  const scratch = makeScratch(t);
  const cat = await vtftp(['-S', join(FIXTURES, 'pack/store'), join(FIXTURES, 'pack/text200k.txt.vt'), '-c', 'cat text200k.txt'], {
    env: scratch.env,
  });
  assert.equal(cat.status, 0, cat.report);
  assert.ok(cat.stdoutBytes.equals(readFileSync(join(FIXTURES, 'text200k.txt'))));
});

test('a Dirent and a URI of a Store with sha1 open', async (t) => {
  const scratch = makeScratch(t);
  const store = join(FIXTURES, 'sha1/store');
  const content = readFileSync(join(FIXTURES, 'text200k.txt'));
  for (const name of ['dirent.txt', 'uri.txt']) {
    // The reference, and after it the name of the file that it came from.
    const [, text = ''] = /^(.*) text200k\.txt$/m.exec(readFileSync(join(FIXTURES, 'sha1', name), 'utf8')) ?? [];
    const cat = await vtftp(['-S', store, text, '-c', 'cat text200k.txt'], { env: scratch.env });
    assert.equal(cat.status, 0, `${name}: ${cat.report}`);
    assert.ok(cat.stdoutBytes.equals(content), name);
  }
});

test('bind takes the text that the Python vt prints, and fsck, scrub, repair and gc of its datadir say what can be done', async (t) => {
  const { env } = makeScratch(t);
  const [, text = ''] = /^(.*) text200k\.txt$/m.exec(readFileSync(join(FIXTURES, 'sha1/dirent.txt'), 'utf8')) ?? [];
  assert.match(text, /^F\{.*I\{200000:/);
  const bound = await vtftp(['-S', 'memory:', '-c', `bind -u t '${text}'; ls -l t`], { env });
  assert.match(bound.stdout, /^-rw-r--r-- .* 200000 .* t$/m, bound.report);
  for (const line of ['fsck', 'scrub', 'repair', 'gc', 'gc -n']) {
    const refused = await vtftp(['-S', join(FIXTURES, 'sha1/store'), '-c', line], { env });
    assert.equal(refused.status, 1, refused.report);
    assert.match(
      refused.stderr,
      new RegExp(`^${line.split(' ')[0] ?? ''}: .*: it is a datadir of the Python vt, .*\\(pull its trees into a Store of your own`, 'm'),
    );
  }
});

test('a tree of an old Store goes into one of ours by GET and PUT, and the old files stay as they were', async (t) => {
  const scratch = makeScratch(t);
  const store = join(FIXTURES, 'mount/store');
  const before = readdirSync(store, { recursive: true, encoding: 'utf8' }).map((path) => [path, lstatSync(join(store, path)).mtimeMs]);
  const get = await vtftp(['-S', store, join(FIXTURES, 'mount/rw.vt'), '-c', `get / ${scratch.path('target')}; mkdir refused`], {
    env: scratch.env,
  });
  assert.equal(get.status, 11, get.report);
  const put = await vtftp(['-S', scratch.path('store'), '-c', `put ${scratch.path('target')} tree; quit`], { env: scratch.env });
  assert.equal(put.status, 0, put.report);
  assert.deepEqual(
    readdirSync(store, { recursive: true, encoding: 'utf8' }).map((path) => [path, lstatSync(join(store, path)).mtimeMs]),
    before,
  );
});
