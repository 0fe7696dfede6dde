import assert from 'node:assert/strict';
import { chownSync, lstatSync, readdirSync, statSync } from 'node:fs';
import { test } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { listXattrs } from '../../../core/base/system/libc.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Meta } from '../../../core/dirent/meta.ts';
import { exportDirent } from '../../../core/export/export.ts';
import { previewExport } from '../../../core/export/export-preview.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import { makeScratch } from '../../support/scratch.ts';

const o = (text: string): Octets => text as Octets;

/** cap_net_raw, permitted and effective. @see capabilities(7), VFS_CAP_REVISION_2 */
const CAPABILITY = Buffer.from('0100000200200000000000000000000000000000', 'hex');
/** An ACL by which user 4711 may write. @see acl(5) */
const ACL = Buffer.from('0200000001000600ffffffff020007006712000004000400ffffffff10000700ffffffff20000400ffffffff', 'hex');

const META: Meta = {
  mode: 0o6755,
  uid: 4711,
  gid: 4712,
  user: o('daemon'),
  group: o('daemon'),
  mtimeNs: 1_000_000_000n,
  xattrs: new Map([
    [o('security.capability'), CAPABILITY],
    [o('system.posix_acl_access'), ACL],
    [o('user.note'), Buffer.from('kept')],
  ]),
};
const ENTRIES: readonly Exclude<Dirent, { kind: 'indirect' }>[] = [
  { kind: 'file', name: o('program'), meta: META, block: { kind: 'literal', span: 1, data: Buffer.from('x') } },
  { kind: 'dir', name: o('dir'), meta: META, block: { kind: 'literal', span: 0, data: new Uint8Array(0) } },
  { kind: 'symlink', name: o('symlink'), meta: { mode: 0o777, uid: 4711, gid: 4712 }, target: o('/etc/shadow') },
  { kind: 'fifo', name: o('fifo'), meta: { mode: 0o6666, uid: 4711 } },
  { kind: 'block', name: o('disk'), meta: { mode: 0o666, rdev: { major: 8, minor: 0 } } },
  { kind: 'char', name: o('memory'), meta: { mode: 0o666, rdev: { major: 1, minor: 1 } } },
];

test('without what is special an export makes nothing that gives rights, and counts what it leaves out', async (t) => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  for (const { name, ...dirent } of ENTRIES) await tree.bind(o(`/${name}`), { ...dirent, name });
  const scratch = makeScratch(t);
  const target = scratch.path('target');
  const counts = await exportDirent(store, await tree.sync(), octetsFromText(target), {
    special: false,
    owner: 'names',
    onFailure: ({ path, error }) => assert.fail(`${path}: ${error.message}`),
  });
  assert.deepEqual([counts.files, counts.dirs, counts.symlinks, counts.specials, counts.omitted], [1, 2, 1, 1, 2]);
  assert.deepEqual(readdirSync(target).sort(), ['dir', 'fifo', 'program', 'symlink']);
  for (const name of readdirSync(target)) {
    const { uid, gid, mode } = lstatSync(`${target}/${name}`);
    assert.deepEqual([uid, gid, mode & 0o6000], [process.geteuid?.(), process.getegid?.(), 0], name);
    assert.deepEqual(listXattrs(Buffer.from(`${target}/${name}`)), name === 'program' || name === 'dir' ? ['user.note'] : [], name);
  }
  assert.equal(statSync(`${target}/program`).mode & 0o777, 0o755);
  assert.equal(statSync(`${target}/program`, { bigint: true }).mtimeNs, 1_000_000_000n);
});

test('a plan names the devices that would be left out', async (t) => {
  await using store = new MemoryStore();
  await using tree = openLiveTree(store, undefined);
  for (const dirent of ENTRIES) await tree.bind(o(`/${dirent.name}`), dirent);
  const skipped: string[] = [];
  const target = octetsFromText(makeScratch(t).path('target'));
  for await (const { action, local, reason } of previewExport(store, await tree.sync(), target, { special: false }))
    if (action === 'skip') skipped.push(`${local.slice(target.length)}: ${reason}`);
  assert.deepEqual(skipped, ['/disk: a device', '/memory: a device']);
});

test('what is there keeps no rights either: a file of another that is replaced becomes ones own', {
  skip: process.geteuid?.() === 0 ? false : 'only root can make files of others',
}, async (t) => {
  await using store = new MemoryStore();
  const scratch = makeScratch(t);
  const [program] = ENTRIES;
  assert.ok(program);
  const target = octetsFromText(scratch.path('program'));
  await exportDirent(store, program, target, { owner: 'none' });
  chownSync(scratch.path('program'), 4711, 4712);
  await exportDirent(store, program, target, { special: false });
  const { uid, gid, mode } = statSync(scratch.path('program'));
  assert.deepEqual([uid, gid, mode & 0o7777], [0, 0, 0o755]);
});
