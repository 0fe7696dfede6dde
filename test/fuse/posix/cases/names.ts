import type { Checks, NodeType, PosixCase } from '../checks.ts';
import { FLAGS, LEAF_TYPES, NODE_TYPES, OTHER, REAL_TYPES, TYPE_BITS, USER } from '../checks.ts';
import type { CallName, SystemCalls } from '../system-calls.ts';

const NAME_255 = 'n'.repeat(255);
const NAME_256 = 'n'.repeat(256);

/** Calls that take one path, with arguments under which each works. */
type OnePath = readonly [name: CallName, args: (path: string) => Parameters<SystemCalls[CallName]>];

const ON_NEW: readonly OnePath[] = [
  ['mkdir', (path) => [path, 0o755]],
  ['mknod', (path) => [path, TYPE_BITS.fifo | 0o644]],
  ['symlink', (path) => ['target', path]],
  ['open', (path) => [path, FLAGS.O_CREAT | FLAGS.O_WRONLY, 0o644]],
  ['link', (path) => ['source', path]],
  ['rename', (path) => ['source', path]],
];
const ON_FOUND: readonly OnePath[] = [
  ['chmod', (path) => [path, 0o644]],
  ['chown', (path) => [path, 0, 0]],
  ['truncate', (path) => [path, 0]],
  ['unlink', (path) => [path]],
  ['rename', (path) => [path, 'elsewhere']],
  ['link', (path) => [path, 'elsewhere']],
  ['utimens', (path) => [path, 'now', 'now', true]],
  ['stat', (path) => [path]],
  ['lstat', (path) => [path]],
  ['open', (path) => [path, FLAGS.O_RDONLY]],
];
const ON_FOUND_DIR: readonly OnePath[] = [['rmdir', (path) => [path]]];
const FOLLOWING: ReadonlySet<CallName> = new Set(['chmod', 'chown', 'truncate', 'utimens', 'stat', 'open']);

async function fails(fs: Checks, errno: string | readonly string[], [name, args]: OnePath, path: string): Promise<void> {
  await fs.fails(errno, name, ...(args(path) as never));
}

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

const MAKERS: readonly NodeType[] = ['file', 'dir', 'fifo', 'block', 'char', 'socket', 'symlink'];

/** What becomes of new nodes. */
export const MAKING_CASES: readonly PosixCase[] = [
  {
    name: 'a new node has the type, the permissions less the umask, the owner who made it, and one name; its Dir has new times',
    async run(fs) {
      for (const type of MAKERS) {
        for (const [umask, mode] of [
          [0o022, 0o777],
          [0, 0o151],
          [0o077, 0o151],
          [0o501, 0o345],
          [0o477, 0o345],
        ] as const) {
          if (type === 'socket') continue;
          await fs.do('umask', umask);
          await fs.make(type, 'n', mode);
          await fs.do('umask', 0o022);
          const permissions = type === 'symlink' ? 0o777 : mode & ~umask;
          await fs.is('n', { mode: TYPE_BITS[type] | permissions, uid: 0, gid: 0, nlink: type === 'dir' ? 2 : 1 });
          if (type === 'block') await fs.is('n', { rdev: [1, 2] });
          if (type === 'char') await fs.is('n', { rdev: [1, 3] });
          await fs.unmake(type, 'n');
        }
        await fs.sets({ '.': ['mtime', 'ctime'] }, () => fs.make(type, 'n'));
        const { atime, mtime, ctime } = await fs.do('lstat', 'n');
        const dir = await fs.do('lstat', '.');
        for (const time of [atime, mtime, ctime]) fs.holds(time[0] >= dir.mtime[0] - 1 && time[0] <= dir.mtime[0] + 1, `${type} is new`);
        await fs.sets({ '.': ['mtime', 'ctime'] }, () => fs.unmake(type, 'n'));
      }
    },
  },
  {
    name: 'device numbers of every size come back',
    async run(fs) {
      for (const [major, minor] of [
        [1, 2],
        [255, 255],
        [4095, 1048575],
        [0, 256],
        [259, 65536],
      ] as const) {
        for (const type of ['block', 'char'] as const) {
          await fs.do('mknod', 'n', TYPE_BITS[type] | 0o600, major, minor);
          await fs.is('n', { rdev: [major, minor], mode: TYPE_BITS[type] | 0o600 });
          await fs.do('unlink', 'n');
        }
      }
    },
  },
  {
    name: 'below a setgid Dir new nodes have its group, and new Dirs are setgid too',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      await fs.do('chown', 'd', 0, 4321);
      for (const type of MAKERS) {
        await fs.make(type, 'd/n');
        await fs.is('d/n', { gid: 0 });
        await fs.unmake(type, 'd/n');
      }
      await fs.do('chmod', 'd', 0o2755);
      for (const type of MAKERS) {
        await fs.make(type, 'd/n');
        await fs.is('d/n', { gid: 4321, uid: 0 });
        if (type === 'dir') fs.same(await fs.mode('d/n'), 0o2755, 'setgid goes on');
        await fs.unmake(type, 'd/n');
      }
    },
  },
  {
    name: "a node that a user makes is that user's, a device only root may make",
    needsKernel: true,
    async run(fs) {
      await fs.do('chmod', '.', 0o777);
      await fs.as(USER, async () => {
        for (const type of ['file', 'dir', 'fifo', 'socket', 'symlink'] as const) {
          await fs.make(type, 'n');
          await fs.is('n', { uid: USER.uid, gid: USER.gid });
          await fs.unmake(type, 'n');
        }
        for (const type of ['block', 'char'] as const) await fs.fails('EPERM', 'mknod', 'n', TYPE_BITS[type] | 0o600, 1, 2);
      });
      // Who is not in the group that a file inherits must not make it setgid to that group.
      await fs.do('mkdir', 'd', 0o777);
      await fs.do('chmod', 'd', 0o2777);
      await fs.do('chown', 'd', 0, 4321);
      await fs.do('chmod', 'd', 0o2777);
      await fs.as(USER, async () => {
        await fs.do('umask', 0);
        await fs.do('close', await fs.do('open', 'd/f', FLAGS.O_CREAT | FLAGS.O_WRONLY, 0o2755));
        await fs.do('umask', 0o022);
        fs.same(await fs.mode('d/f'), 0o755, 'setgid of another group');
        await fs.is('d/f', { gid: 4321 });
      });
    },
  },
  {
    name: 'a symlink holds what it was given, and nothing is too odd to be held',
    async run(fs) {
      for (const target of ['a', 'no/where', '../..', '\xff\x01\n', 't'.repeat(4095), '/']) {
        await fs.do('symlink', target, 's');
        fs.same(await fs.do('readlink', 's'), target, 'target');
        await fs.is('s', { size: target.length, mode: 0o120777, nlink: 1 });
        await fs.do('unlink', 's');
      }
      for (const type of REAL_TYPES) {
        await fs.make(type, 'n');
        await fs.fails('EINVAL', 'readlink', 'n');
        await fs.unmake(type, 'n');
      }
      if (fs.hasKernel) {
        await fs.fails('ENAMETOOLONG', 'symlink', 't'.repeat(4096), 's');
        await fs.fails('ENOENT', 'symlink', '', 's');
      }
    },
  },
];

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
