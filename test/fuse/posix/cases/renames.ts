import type { PosixCase } from '../checks.ts';
import { NODE_TYPES, OTHER, TYPE_BITS, USER } from '../checks.ts';

/** rename(2) and renameat2(2). */
export const RENAME_CASES: readonly PosixCase[] = [
  {
    name: 'rename moves a node of every type with all it is; both Dirs and the node have new times',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      for (const type of NODE_TYPES) {
        await fs.make(type, 'a');
        const { ctime: _ctime, ...before } = await fs.do('lstat', 'a');
        await fs.sets({ '.': ['mtime', 'ctime'], d: ['mtime', 'ctime'] }, () => fs.do('rename', 'a', 'd/b'));
        const { ctime: _later, ...after } = await fs.do('lstat', 'd/b');
        fs.same(after, before, `${type} moved`);
        await fs.fails('ENOENT', 'lstat', 'a');
        await fs.do('rename', 'd/b', 'd/c');
        await fs.sets({ 'd/c': ['ctime'] }, async () => {
          await fs.do('rename', 'd/c', 'a');
          await fs.do('rename', 'a', 'd/c');
        });
        await fs.unmake(type, 'd/c');
      }
    },
  },
  {
    name: 'rename over each type by each type does, or is refused with, what rename(2) says',
    async run(fs) {
      for (const from of NODE_TYPES) {
        for (const to of NODE_TYPES) {
          await fs.make(from, 'a');
          await fs.make(to, 'b');
          const { ino } = await fs.do('lstat', 'a');
          if (from === 'dir' && to !== 'dir') await fs.fails('ENOTDIR', 'rename', 'a', 'b');
          else if (from !== 'dir' && to === 'dir') await fs.fails('EISDIR', 'rename', 'a', 'b');
          else {
            await fs.do('rename', 'a', 'b');
            await fs.is('b', { ino, mode: TYPE_BITS[from] | (await fs.mode('b')) });
            await fs.fails('ENOENT', 'lstat', 'a');
            await fs.unmake(from, 'b');
            continue;
          }
          await fs.is('a', { ino });
          await fs.unmake(from, 'a');
          await fs.unmake(to, 'b');
        }
      }
    },
  },
  {
    name: 'a Dir is not renamed over one that is not empty, nor into itself, and no dots are renamed',
    async run(fs) {
      await fs.do('mkdir', 'a', 0o755);
      await fs.do('mkdir', 'b', 0o755);
      for (const type of NODE_TYPES) {
        await fs.make(type, 'b/n');
        await fs.fails(['ENOTEMPTY', 'EEXIST'], 'rename', 'a', 'b');
        await fs.unmake(type, 'b/n');
      }
      await fs.do('mkdir', 'a/c', 0o755);
      await fs.fails('EINVAL', 'rename', 'a', 'a/c');
      await fs.fails('EINVAL', 'rename', 'a', 'a/c/d');
      await fs.fails(['ENOTEMPTY', 'EEXIST'], 'rename', 'a/c', 'a');
      for (const dots of ['a/.', 'a/..']) {
        await fs.fails(['EINVAL', 'EBUSY'], 'rename', dots, 'x');
        await fs.fails(['EINVAL', 'EBUSY', 'ENOTEMPTY', 'EEXIST'], 'rename', 'b', dots);
      }
    },
  },
  {
    name: 'rename of one name of a node over another leaves both',
    async run(fs) {
      await fs.make('file', 'a');
      await fs.do('link', 'a', 'b');
      await fs.do('rename', 'a', 'b');
      await fs.is('a', { nlink: 2 });
      await fs.is('b', { nlink: 2 });
      await fs.do('rename', 'a', 'a');
    },
  },
  {
    name: 'rename over a name of a hard-linked node takes one link and gives it a new ctime',
    async run(fs) {
      await fs.make('file', 'a');
      await fs.make('file', 'b');
      await fs.do('link', 'b', 'c');
      await fs.sets({ c: ['ctime'] }, () => fs.do('rename', 'a', 'b'));
      await fs.is('c', { nlink: 1 });
    },
  },
  {
    name: 'renameat2 keeps what is there, or exchanges two nodes of any types',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      for (const from of NODE_TYPES) {
        for (const to of NODE_TYPES) {
          await fs.make(from, 'a');
          await fs.make(to, 'd/b');
          const [a, b] = [(await fs.do('lstat', 'a')).ino, (await fs.do('lstat', 'd/b')).ino];
          await fs.fails('EEXIST', 'rename2', 'a', 'd/b', 1);
          await fs.do('rename2', 'a', 'd/b', 2);
          await fs.is('a', { ino: b });
          await fs.is('d/b', { ino: a });
          await fs.unmake(to, 'a');
          await fs.do('rename2', 'd/b', 'a', 1);
          await fs.unmake(from, 'a');
        }
      }
      await fs.make('file', 'a');
      await fs.fails('ENOENT', 'rename2', 'a', 'nothing', 2);
      await fs.fails('EINVAL', 'rename2', 'a', 'nothing', 3);
    },
  },
  {
    name: 'in a sticky Dir only the owner of a name or of the Dir renames or removes it',
    needsKernel: true,
    async run(fs) {
      await fs.do('chmod', '.', 0o777);
      await fs.do('mkdir', 's', 0o777);
      await fs.do('chmod', 's', 0o1777);
      for (const [dirOwner, owner, allowed] of [
        [USER, OTHER, true],
        [OTHER, USER, true],
        [USER, USER, true],
        [OTHER, OTHER, false],
      ] as const) {
        await fs.do('chown', 's', dirOwner.uid, dirOwner.gid);
        for (const type of NODE_TYPES) {
          await fs.make(type, 's/n');
          await fs.do('lchown', 's/n', owner.uid, owner.gid);
          await fs.as(USER, async () => {
            // A Dir that moves gets another `..`: its own owner's business.
            if (allowed && type === 'dir' && owner !== USER) return;
            if (allowed) {
              await fs.do('rename', 's/n', 'out');
              await fs.do('rename', 'out', 's/n');
              await fs.unmake(type, 's/n');
            } else {
              await fs.fails(['EPERM', 'EACCES'], 'rename', 's/n', 'out');
              await fs.fails(['EPERM', 'EACCES'], type === 'dir' ? 'rmdir' : 'unlink', 's/n');
              await fs.make('file', 'in');
              if (type !== 'dir') await fs.fails(['EPERM', 'EACCES'], 'rename', 'in', 's/n');
              await fs.do('unlink', 'in');
            }
          });
          if (!allowed || (type === 'dir' && owner !== USER)) await fs.unmake(type, 's/n');
        }
      }
    },
  },
  {
    name: 'nothing is linked or renamed across filesystems',
    needsKernel: true,
    async run(fs) {
      await fs.make('file', 'a');
      await fs.fails('EXDEV', 'link', 'a', '/tmp/vtftp-posix-never-there');
      await fs.fails('EXDEV', 'rename', 'a', '/tmp/vtftp-posix-never-there');
    },
  },
];
