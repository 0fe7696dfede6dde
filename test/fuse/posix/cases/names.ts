import type { PosixCase } from '../checks.ts';
import { FLAGS, LEAF_TYPES, NODE_TYPES, TYPE_BITS } from '../checks.ts';
import { fails, ON_NEW } from './path-calls.ts';

/** What becomes of nodes that lose or get names. */
export const NAME_CASES: readonly PosixCase[] = [
  {
    name: 'link gives every type but a Dir one more name, with new times of the node and the Dir',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      for (const type of LEAF_TYPES) {
        await fs.make(type, 'a');
        const { ino, mode, mtime } = await fs.do('lstat', 'a');
        await fs.sets({ a: ['ctime'], d: ['mtime', 'ctime'], '.': [] }, () => fs.do('link', 'a', 'd/b'));
        for (const name of ['a', 'd/b']) await fs.is(name, { ino, mode, nlink: 2, mtime });
        await fs.do('link', 'd/b', 'c');
        for (const name of ['a', 'd/b', 'c']) await fs.is(name, { ino, nlink: 3 });
        if (type !== 'symlink') {
          await fs.do('chmod', 'd/b', 0o201);
          await fs.do('chown', 'd/b', 65533, 65532);
          for (const name of ['a', 'd/b', 'c']) await fs.is(name, { mode: TYPE_BITS[type] | 0o201, uid: 65533, gid: 65532 });
        }
        await fs.sets({ 'd/b': ['ctime'], '.': ['mtime', 'ctime'] }, () => fs.do('unlink', 'a'));
        await fs.fails('ENOENT', 'lstat', 'a');
        for (const name of ['d/b', 'c']) await fs.is(name, { ino, nlink: 2 });
        await fs.do('unlink', 'd/b');
        await fs.is('c', { ino, nlink: 1 });
        await fs.do('link', 'c', 'a');
        await fs.is('c', { ino, nlink: 2 });
        await fs.do('unlink', 'c');
        await fs.do('unlink', 'a');
      }
      await fs.fails('EPERM', 'link', 'd', 'e');
    },
  },
  {
    name: 'a link that fails leaves times and names alone',
    async run(fs) {
      await fs.make('file', 'a');
      await fs.make('file', 'b');
      await fs.sets({ a: [], b: [], '.': [] }, () => fs.fails('EEXIST', 'link', 'a', 'b'));
      await fs.is('a', { nlink: 1 });
    },
  },
  {
    name: 'unlink takes a name of anything but a Dir, rmdir only an empty Dir',
    async run(fs) {
      for (const type of LEAF_TYPES) {
        await fs.make(type, 'n');
        await fs.fails('ENOTDIR', 'rmdir', 'n');
        await fs.do('unlink', 'n');
        await fs.fails('ENOENT', 'lstat', 'n');
      }
      await fs.do('mkdir', 'd', 0o755);
      await fs.fails(['EISDIR', 'EPERM'], 'unlink', 'd');
      for (const type of NODE_TYPES) {
        await fs.make(type, 'd/n');
        await fs.sets({ d: [], '.': [] }, () => fs.fails(['ENOTEMPTY', 'EEXIST'], 'rmdir', 'd'));
        await fs.unmake(type, 'd/n');
      }
      await fs.do('mkdir', 'd/e', 0o755);
      await fs.fails('EINVAL', 'rmdir', 'd/e/.');
      await fs.fails(['ENOTEMPTY', 'EEXIST'], 'rmdir', 'd/e/..');
      await fs.do('rmdir', 'd/e');
      await fs.do('rmdir', 'd');
    },
  },
  {
    name: 'a file without names lives on while it is open',
    async run(fs) {
      const fd = await fs.do('open', 'f', FLAGS.O_CREAT | FLAGS.O_RDWR, 0o644);
      await fs.do('pwrite', fd, 'here', 0);
      await fs.do('unlink', 'f');
      fs.same((await fs.do('fstat', fd)).nlink, 0, 'nlink');
      await fs.do('pwrite', fd, ' still', 4);
      fs.same(await fs.do('pread', fd, 20, 0), 'here still', 'content');
      fs.same((await fs.do('fstat', fd)).size, 10, 'size');
      await fs.make('file', 'f');
      await fs.is('f', { size: 0, nlink: 1 });
      await fs.do('fchmod', fd, 0o600);
      fs.same((await fs.do('fstat', fd)).mode, 0o100600, 'mode');
      await fs.do('close', fd);
      await fs.make('file', 'g');
      const other = await fs.do('open', 'g', FLAGS.O_RDONLY);
      await fs.do('rename', 'f', 'g');
      fs.same((await fs.do('fstat', other)).nlink, 0, 'nlink of what was replaced');
      await fs.do('close', other);
      const linked = await fs.do('open', 'g', FLAGS.O_RDONLY);
      await fs.do('link', 'g', 'h');
      fs.same((await fs.do('fstat', linked)).nlink, 2, 'nlink with two names');
      await fs.do('unlink', 'g');
      await fs.do('unlink', 'h');
      fs.same((await fs.do('fstat', linked)).nlink, 0, 'nlink without any');
      await fs.do('close', linked);
    },
  },
  {
    name: 'a Dir that is removed while it is open has no names in it and takes none',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      const fd = await fs.do('open', 'd', FLAGS.O_RDONLY | FLAGS.O_DIRECTORY);
      await fs.do('rmdir', 'd');
      fs.same((await fs.do('fstat', fd)).nlink, 0, 'nlink');
      if (fs.hasKernel) await fs.fails('ENOENT', 'getdents', fd, 4096);
      else fs.same(await fs.do('getdents', fd, 4096), [], 'entries');
      await fs.do('close', fd);
      await fs.do('mkdir', 'e', 0o755);
      await fs.do('chdir', 'e');
      await fs.do('rmdir', '../e');
      for (const call of ON_NEW) if (call[0] !== 'link' && call[0] !== 'rename') await fails(fs, 'ENOENT', call, 'new');
    },
  },
  {
    name: 'a Dir has a link for each Dir in it, wherever that comes from and goes to',
    async run(fs) {
      for (const name of ['a', 'b', 'a/x', 'a/y', 'a/x/z']) await fs.do('mkdir', name, 0o755);
      await fs.is('a', { nlink: 4 });
      await fs.is('b', { nlink: 2 });
      const { ino } = await fs.do('lstat', 'b');
      await fs.do('rename', 'a/x', 'b/x');
      await fs.is('a', { nlink: 3 });
      await fs.is('b', { nlink: 3 });
      await fs.is('b/x/..', { ino });
      await fs.do('rename', 'b/x', 'a/y');
      await fs.is('a', { nlink: 3 });
      await fs.is('b', { nlink: 2 });
      await fs.is('a/y', { nlink: 3 });
      await fs.make('file', 'b/f');
      await fs.do('rename2', 'b/f', 'a/y', 2);
      await fs.is('a', { nlink: 2 });
      await fs.is('b', { nlink: 3 });
      await fs.do('rmdir', 'b/f/z');
      await fs.do('rmdir', 'b/f');
      await fs.is('b', { nlink: 2 });
    },
  },
];
