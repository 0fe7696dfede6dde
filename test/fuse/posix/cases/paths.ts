import type { PosixCase } from '../checks.ts';
import { FLAGS, LEAF_TYPES, NODE_TYPES, OTHER, USER } from '../checks.ts';
import { FOLLOWING, fails, ON_FOUND, ON_FOUND_DIR, ON_NEW } from './path-calls.ts';

const NAME_255 = 'n'.repeat(255);
const NAME_256 = 'n'.repeat(256);

/** What every call with a path refuses alike. */
export const PATH_CASES: readonly PosixCase[] = [
  {
    name: 'a component of 255 octets is a name and one of 256 is not',
    async run(fs) {
      for (const type of NODE_TYPES) {
        if (type === 'socket') continue;
        await fs.make(type, NAME_255);
        await fs.is(NAME_255, { nlink: type === 'dir' ? 2 : 1 });
        await fs.unmake(type, NAME_255);
      }
      await fs.make('file', 'source');
      for (const call of [...ON_NEW, ...ON_FOUND, ...ON_FOUND_DIR]) {
        await fails(fs, 'ENAMETOOLONG', call, NAME_256);
        await fails(fs, 'ENAMETOOLONG', call, `${NAME_256}/below`);
      }
    },
  },
  {
    name: 'a path of 4,095 octets is one and a longer path is not',
    needsKernel: true,
    async run(fs) {
      let dir = '';
      while (dir.length + 201 < 4095 - 20) {
        dir += `${'d'.repeat(200)}/`;
        await fs.do('mkdir', dir, 0o755);
      }
      const rest = 4095 - dir.length;
      const path = dir + 'f'.repeat(rest);
      await fs.make('file', path);
      await fs.is(path, { size: 0 });
      await fs.do('unlink', path);
      await fs.make('file', 'source');
      for (const call of [...ON_NEW, ...ON_FOUND, ...ON_FOUND_DIR]) await fails(fs, 'ENAMETOOLONG', call, `${path}f`);
    },
  },
  {
    name: 'what is no Dir has nothing below it',
    async run(fs) {
      await fs.make('file', 'source');
      for (const type of LEAF_TYPES) {
        if (type === 'symlink') continue;
        await fs.make(type, 'leaf');
        for (const call of [...ON_NEW, ...ON_FOUND, ...ON_FOUND_DIR]) await fails(fs, 'ENOTDIR', call, 'leaf/below');
        await fs.do('unlink', 'leaf');
      }
    },
  },
  {
    name: 'what is not there is not found, nor is anything in it',
    async run(fs) {
      await fs.make('file', 'source');
      for (const call of [...ON_FOUND, ...ON_FOUND_DIR]) await fails(fs, 'ENOENT', call, 'nothing');
      for (const call of [...ON_NEW, ...ON_FOUND, ...ON_FOUND_DIR]) await fails(fs, 'ENOENT', call, 'nothing/below');
    },
  },
  {
    name: 'symlinks that lead to one another lead nowhere',
    async run(fs) {
      await fs.make('file', 'source');
      await fs.do('symlink', 'b', 'a');
      await fs.do('symlink', 'a', 'b');
      for (const call of [...ON_NEW, ...ON_FOUND, ...ON_FOUND_DIR]) await fails(fs, 'ELOOP', call, 'a/below');
      for (const call of ON_FOUND) if (FOLLOWING.has(call[0])) await fails(fs, 'ELOOP', call, 'a');
      await fs.fails('ELOOP', 'open', 'a', FLAGS.O_CREAT | FLAGS.O_WRONLY, 0o644);
    },
  },
  {
    name: 'a name that is taken, by whatever, is not made again',
    async run(fs) {
      await fs.make('file', 'source');
      for (const type of NODE_TYPES) {
        await fs.make(type, 'taken');
        const before = await fs.do('lstat', 'taken');
        for (const call of ON_NEW) {
          if (call[0] === 'rename' || call[0] === 'open') continue;
          await fails(fs, 'EEXIST', call, 'taken');
        }
        await fs.fails('EEXIST', 'open', 'taken', FLAGS.O_CREAT | FLAGS.O_EXCL | FLAGS.O_WRONLY, 0o644);
        fs.same(await fs.do('lstat', 'taken'), before, 'nothing of it changed');
        await fs.unmake(type, 'taken');
      }
    },
  },
  {
    name: 'whoever may not search a Dir finds nothing in it, and whoever may not write to it changes no name in it',
    needsKernel: true,
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      await fs.do('chown', 'd', USER.uid, USER.gid);
      await fs.as(USER, async () => {
        for (const path of ['source', 'd/found']) if (path !== 'source') await fs.make('file', path);
        await fs.do('mkdir', 'd/dir', 0o755);
      });
      await fs.make('file', 'source');
      await fs.do('chmod', 'source', 0o666);
      await fs.do('chown', 'source', USER.uid, USER.gid);
      await fs.do('chmod', '.', 0o777);
      await fs.do('chmod', 'd', 0o644);
      await fs.as(USER, async () => {
        for (const call of ON_NEW) await fails(fs, 'EACCES', call, 'd/new');
        for (const call of ON_FOUND) await fails(fs, 'EACCES', call, 'd/found');
        for (const call of ON_FOUND_DIR) await fails(fs, 'EACCES', call, 'd/dir');
        await fs.do('chmod', 'd', 0o555);
        for (const call of ON_NEW) await fails(fs, 'EACCES', call, 'd/new');
        await fs.fails('EACCES', 'unlink', 'd/found');
        await fs.fails('EACCES', 'rename', 'd/found', 'elsewhere');
        await fs.fails('EACCES', 'rmdir', 'd/dir');
        await fs.do('chmod', 'd', 0o755);
      });
      await fs.as(OTHER, async () => {
        for (const call of ON_NEW) if (call[0] !== 'link') await fails(fs, ['EACCES', 'EPERM'], call, 'd/new');
        await fs.fails('EPERM', 'chmod', 'd/found', 0o777);
        await fs.fails('EPERM', 'chown', 'd/found', OTHER.uid, OTHER.gid);
        await fs.fails('EACCES', 'truncate', 'd/found', 0);
        await fs.fails('EACCES', 'open', 'd/found', FLAGS.O_RDWR);
      });
    },
  },
];
