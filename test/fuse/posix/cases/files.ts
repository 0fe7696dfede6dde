import type { PosixCase } from '../checks.ts';
import { FLAGS, OTHER, TYPE_BITS, USER } from '../checks.ts';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_EXCL, O_TRUNC, O_APPEND, O_NONBLOCK, O_DIRECTORY, O_NOFOLLOW, O_TMPFILE } = FLAGS;
const SEEK_SET = 0;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const KEEP_SIZE = 1;
const PUNCH_HOLE = 2;

/** open(2). */
export const OPEN_CASES: readonly PosixCase[] = [
  {
    name: 'O_CREAT makes a file once, O_EXCL insists, O_TRUNC empties it and sets its times',
    async run(fs) {
      await fs.sets({ '.': ['mtime', 'ctime'] }, async () => fs.do('close', await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644)));
      const fd = await fs.do('open', 'f', O_RDWR);
      await fs.do('pwrite', fd, 'content', 0);
      await fs.do('close', fd);
      await fs.sets({ '.': [], f: [] }, async () => fs.do('close', await fs.do('open', 'f', O_CREAT | O_RDWR, 0o600)));
      await fs.is('f', { size: 7, mode: 0o100644 });
      await fs.fails('EEXIST', 'open', 'f', O_CREAT | O_EXCL | O_RDWR, 0o644);
      await fs.sets({ '.': [], f: ['mtime', 'ctime'] }, async () => fs.do('close', await fs.do('open', 'f', O_WRONLY | O_TRUNC)));
      await fs.is('f', { size: 0 });
      await fs.do('symlink', 'g', 's');
      await fs.fails('EEXIST', 'open', 's', O_CREAT | O_EXCL | O_RDWR, 0o644);
      await fs.do('close', await fs.do('open', 's', O_CREAT | O_RDWR, 0o640));
      await fs.is('g', { mode: 0o100640 });
    },
  },
  {
    name: 'O_NOFOLLOW, O_DIRECTORY and writing look at what is opened',
    async run(fs) {
      await fs.make('file', 'f');
      await fs.do('mkdir', 'd', 0o755);
      await fs.do('symlink', 'f', 's');
      await fs.do('symlink', 'd', 't');
      await fs.fails('ELOOP', 'open', 's', O_RDONLY | O_NOFOLLOW);
      await fs.fails('ELOOP', 'open', 't', O_RDONLY | O_NOFOLLOW);
      await fs.fails('ENOTDIR', 'open', 'f', O_RDONLY | O_DIRECTORY);
      await fs.do('close', await fs.do('open', 't', O_RDONLY | O_DIRECTORY));
      for (const flags of [O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC, O_WRONLY | O_TRUNC]) await fs.fails('EISDIR', 'open', 'd', flags);
      await fs.fails('EISDIR', 'open', 'd', O_CREAT | O_RDONLY, 0o644);
      await fs.fails('ENOENT', 'open', 'nothing', O_RDONLY);
    },
  },
  {
    name: 'O_APPEND writes at the end, wherever that is',
    needsKernel: true,
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR | O_APPEND, 0o644);
      await fs.do('write', fd, 'abc');
      const other = await fs.do('open', 'f', O_WRONLY);
      await fs.do('pwrite', other, 'DEFGH', 3);
      await fs.do('close', other);
      await fs.do('lseek', fd, 0, SEEK_SET);
      await fs.do('write', fd, 'xyz');
      fs.same(await fs.do('pread', fd, 100, 0), 'abcDEFGHxyz', 'content');
      await fs.do('truncate', 'f', 2);
      await fs.do('write', fd, '!');
      fs.same(await fs.do('pread', fd, 100, 0), 'ab!', 'content');
      await fs.do('close', fd);
    },
  },
  {
    name: 'FIFOs without a reader, sockets and running programs are not opened',
    needsKernel: true,
    async run(fs) {
      await fs.make('fifo', 'p');
      await fs.fails('ENXIO', 'open', 'p', O_WRONLY | O_NONBLOCK);
      await fs.do('close', await fs.do('open', 'p', O_RDONLY | O_NONBLOCK));
      await fs.make('socket', 's');
      for (const flags of [O_RDONLY, O_WRONLY, O_RDWR]) await fs.fails('ENXIO', 'open', 's', flags);
      await fs.make('file', 'f');
      const fd = await fs.do('open', 'f', O_RDONLY);
      await fs.fails('EBADF', 'pwrite', fd, 'x', 0);
      await fs.fails(['EBADF', 'EINVAL'], 'ftruncate', fd, 0);
      await fs.fails('EBADF', 'fallocate', fd, 0, 0, 1);
      await fs.do('close', fd);
    },
  },
  {
    name: 'permissions of the file decide who reads and writes, those of the Dir who makes',
    needsKernel: true,
    async run(fs) {
      await fs.do('chmod', '.', 0o777);
      for (const [who, shift] of [
        [{ uid: USER.uid, gid: 1 }, 6],
        [{ uid: 1, gid: USER.gid }, 3],
        [OTHER, 0],
      ] as const) {
        for (let permissions = 0; permissions < 8; permissions++) {
          await fs.make('file', 'f');
          await fs.do('chown', 'f', USER.uid, USER.gid);
          await fs.do('chmod', 'f', permissions << shift);
          await fs.as(who, async () => {
            for (const [flags, needs] of [
              [O_RDONLY, 4],
              [O_WRONLY, 2],
              [O_RDWR, 6],
              [O_RDONLY | O_TRUNC, 6],
              [O_WRONLY | O_TRUNC, 2],
            ] as const) {
              if ((permissions & needs) === needs) await fs.do('close', await fs.do('open', 'f', flags));
              else await fs.fails('EACCES', 'open', 'f', flags);
            }
          });
          await fs.do('unlink', 'f');
        }
      }
    },
  },
  {
    name: 'a file without a name gets one, or goes with its last descriptor',
    needsKernel: true,
    async run(fs) {
      const fd = await fs.do('open', '.', O_TMPFILE | O_RDWR, 0o640);
      fs.same((await fs.do('fstat', fd)).nlink, 0, 'nlink');
      fs.same((await fs.do('fstat', fd)).mode, 0o100640, 'mode');
      await fs.do('pwrite', fd, 'nameless', 0);
      fs.same(await fs.do('pread', fd, 100, 0), 'nameless', 'content');
      await fs.do('close', fd);
      fs.same(await fs.names('.'), [], 'names');
    },
  },
];

/** read, write, truncate, posix_fallocate, lseek, copy_file_range. */
export const CONTENT_CASES: readonly PosixCase[] = [
  {
    name: 'truncate cuts off and grows with NULs, and sets mtime and ctime; to the size that it has too',
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644);
      await fs.do('pwrite', fd, 'x'.repeat(10000), 0);
      await fs.sets({ f: ['mtime', 'ctime'], '.': [] }, () => fs.do('truncate', 'f', 5000));
      await fs.is('f', { size: 5000 });
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('truncate', 'f', 9000));
      fs.same(await fs.do('pread', fd, 9000, 0), 'x'.repeat(5000) + '\0'.repeat(4000), 'content');
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('ftruncate', fd, 1234567));
      await fs.is('f', { size: 1234567 });
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('ftruncate', fd, 1234567));
      await fs.do('ftruncate', fd, 0);
      await fs.is('f', { size: 0, blocks: 0 });
      await fs.do('close', fd);
      for (const size of [2 ** 40, 2 ** 52, 999_999_999_999]) {
        await fs.do('truncate', 'f', size);
        await fs.is('f', { size });
      }
    },
  },
  {
    name: 'truncate refuses Dirs and negative lengths',
    needsKernel: true,
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      await fs.fails('EISDIR', 'truncate', 'd', 0);
      await fs.make('file', 'f');
      await fs.fails('EINVAL', 'truncate', 'f', -1);
      await fs.make('fifo', 'p');
      await fs.fails('EINVAL', 'truncate', 'p', 0);
      await fs.do('chmod', 'f', 0o444);
      await fs.as(USER, () => fs.fails('EACCES', 'truncate', 'f', 0));
    },
  },
  {
    name: 'a write sets mtime and ctime, far beyond the end too, and what lies between is NUL',
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644);
      await fs.sets({ f: ['mtime', 'ctime'], '.': [] }, () => fs.do('pwrite', fd, 'one', 0));
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('pwrite', fd, 'two', 2 ** 33));
      await fs.is('f', { size: 2 ** 33 + 3 });
      fs.same(await fs.do('pread', fd, 6, 2 ** 33 - 3), '\0\0\0two', 'content');
      fs.same(await fs.do('pread', fd, 10, 2 ** 33 + 3), '', 'at the end');
      await fs.do('fsync', fd);
      await fs.is('f', { size: 2 ** 33 + 3 });
      fs.same(await fs.do('pread', fd, 6, 0), 'one\0\0\0', 'content');
      await fs.sets({ f: [] }, () => fs.do('pread', fd, 6, 0));
      await fs.do('close', fd);
      await fs.sets({ f: [] }, async () => fs.do('close', await fs.do('open', 'f', O_RDWR)));
    },
  },
  {
    name: 'a write through a shared mapping sets mtime and ctime, and is read',
    needsKernel: true,
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644);
      await fs.do('ftruncate', fd, 20000);
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('mapWrite', fd, 9000, 'mapped'));
      fs.same(await fs.do('pread', fd, 8, 8999), '\0mapped\0', 'content');
      await fs.do('fsync', fd);
      await fs.do('close', fd);
    },
  },
  {
    name: 'fallocate grows a file or leaves its size, punches holes and makes zeros',
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644);
      await fs.sets({ f: ['mtime', 'ctime'] }, () => fs.do('fallocate', fd, 0, 0, 567));
      await fs.is('f', { size: 567 });
      await fs.do('fallocate', fd, 0, 20000, 3456);
      await fs.is('f', { size: 23456 });
      await fs.do('fallocate', fd, KEEP_SIZE, 0, 100000);
      await fs.is('f', { size: 23456 });
      await fs.do('pwrite', fd, 'y'.repeat(23456), 0);
      await fs.do('fallocate', fd, 0, 100, 1000);
      fs.same(await fs.do('pread', fd, 3000, 0), 'y'.repeat(3000), 'what is there stays');
      await fs.do('fallocate', fd, KEEP_SIZE | PUNCH_HOLE, 4096, 8192);
      fs.same(await fs.do('pread', fd, 8194, 4095), `y${'\0'.repeat(8192)}y`, 'a hole');
      await fs.is('f', { size: 23456 });
      await fs.fails('EOPNOTSUPP', 'fallocate', fd, PUNCH_HOLE, 0, 10);
      if (fs.hasKernel) {
        await fs.fails('EINVAL', 'fallocate', fd, 0, -1, 10);
        await fs.fails('EINVAL', 'fallocate', fd, 0, 0, 0);
        await fs.fails('EINVAL', 'fallocate', fd, 0, 10, -1);
      }
      await fs.do('close', fd);
    },
  },
  {
    name: 'holes are found where they are, and beyond the end is nothing',
    async run(fs) {
      const fd = await fs.do('open', 'f', O_CREAT | O_RDWR, 0o644);
      await fs.do('ftruncate', fd, 1 << 20);
      await fs.do('pwrite', fd, 'z'.repeat(65536), 1 << 19);
      await fs.do('fsync', fd);
      fs.same(await fs.do('lseek', fd, 0, SEEK_DATA), 1 << 19, 'data');
      fs.same(await fs.do('lseek', fd, 0, SEEK_HOLE), 0, 'hole');
      fs.same(await fs.do('lseek', fd, (1 << 19) + 5, SEEK_DATA), (1 << 19) + 5, 'data within data');
      fs.same(await fs.do('lseek', fd, 1 << 19, SEEK_HOLE), (1 << 19) + 65536, 'hole');
      await fs.fails('ENXIO', 'lseek', fd, (1 << 19) + 65536, SEEK_DATA);
      await fs.fails('ENXIO', 'lseek', fd, 1 << 20, SEEK_DATA);
      await fs.fails('ENXIO', 'lseek', fd, 1 << 20, SEEK_HOLE);
      await fs.do('close', fd);
    },
  },
  {
    name: 'copy_file_range copies between files and within one, up to the end of the source',
    async run(fs) {
      const from = await fs.do('open', 'a', O_CREAT | O_RDWR, 0o644);
      const to = await fs.do('open', 'b', O_CREAT | O_RDWR, 0o644);
      await fs.do('pwrite', from, '0123456789', 0);
      fs.same(await fs.do('copyFileRange', from, 2, to, 5, 4), 4, 'octets');
      fs.same(await fs.do('pread', to, 20, 0), '\0\0\0\0\x002345', 'content');
      fs.same(await fs.do('copyFileRange', from, 8, to, 0, 100), 2, 'octets up to the end');
      fs.same(await fs.do('copyFileRange', from, 10, to, 0, 100), 0, 'octets at the end');
      fs.same(await fs.do('copyFileRange', from, 0, from, 10, 10), 10, 'octets');
      fs.same(await fs.do('pread', from, 30, 0), '01234567890123456789', 'content');
      await fs.fails('EINVAL', 'copyFileRange', from, 0, from, 5, 10);
      await fs.do('pwrite', from, 'xx', 0);
      fs.same(await fs.do('pread', to, 20, 0), '89\0\0\x002345', 'the copy is a copy');
      await fs.sets({ a: [], b: ['mtime', 'ctime'] }, () => fs.do('copyFileRange', from, 0, to, 0, 1));
      await fs.do('close', from);
      await fs.do('close', to);
    },
  },
];

/** getdents(2), seekdir(3), telldir(3). */
export const LISTING_CASES: readonly PosixCase[] = [
  {
    name: 'a listing has each name once, goes on where it was told, and begins anew',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      const names = Array.from({ length: 300 }, (_, i) => `entry-${String(i).padStart(4, '0')}`);
      for (const name of names) await fs.do('mknod', `d/${name}`, TYPE_BITS.fifo | 0o600);
      const fd = await fs.do('open', 'd', O_RDONLY | O_DIRECTORY);
      const first = await fs.do('getdents', fd, 1024);
      fs.holds(first.length > 2 && first.length < 300, 'a part of it');
      const second = await fs.do('getdents', fd, 1024);
      const told = first.at(-1)?.next ?? 0;
      await fs.do('lseek', fd, told, SEEK_SET);
      fs.same(await fs.do('getdents', fd, 1024), second, 'the same part again');
      await fs.do('lseek', fd, 0, SEEK_SET);
      fs.same(await fs.do('getdents', fd, 1024), first, 'from the start');
      await fs.do('close', fd);
      fs.same(await fs.names('d'), names, 'all names');
      fs.same(
        first
          .slice(0, 2)
          .map(({ name }) => name)
          .sort(),
        ['.', '..'],
        'dots',
      );
    },
  },
  {
    name: 'names that come and go while a Dir is listed disturb no other',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      const names = Array.from({ length: 400 }, (_, i) => `entry-${String(i).padStart(4, '0')}`);
      for (const name of names) await fs.make('file', `d/${name}`);
      const fd = await fs.do('open', 'd', O_RDONLY | O_DIRECTORY);
      const seen: string[] = [];
      for (let round = 0; ; round++) {
        const entries = await fs.do('getdents', fd, 1024);
        if (entries.length === 0) break;
        seen.push(...entries.map(({ name }) => name));
        // Half of those that were not seen yet go, others come.
        const gone = names.filter((name, i) => i % 2 === 1 && !seen.includes(name)).slice(0, 5);
        for (const name of gone) {
          await fs.do('unlink', `d/${name}`);
          names.splice(names.indexOf(name), 1);
        }
        if (round < 5) await fs.make('file', `d/new-${round}`);
      }
      await fs.do('close', fd);
      const kept = seen.filter((name) => name.startsWith('entry-'));
      fs.same(new Set(kept).size, kept.length, 'no name twice');
      for (const name of names) if (!kept.includes(name)) fs.holds(false, `${name} was there all the time and not listed`);
      // rm -r does this.
      const again = await fs.do('open', 'd', O_RDONLY | O_DIRECTORY);
      for (;;) {
        const entries = (await fs.do('getdents', again, 2048)).filter(({ name }) => !name.startsWith('.'));
        if (entries.length === 0) break;
        for (const { name } of entries) await fs.do('unlink', `d/${name}`);
      }
      await fs.do('close', again);
      await fs.do('rmdir', 'd');
    },
  },
  {
    name: 'a listing gives the inode numbers that stat gives',
    async run(fs) {
      await fs.do('mkdir', 'd', 0o755);
      await fs.do('mkdir', 'd/e', 0o755);
      await fs.make('file', 'd/f');
      await fs.do('link', 'd/f', 'd/g');
      await fs.do('rename', 'd/e', 'd/h');
      const fd = await fs.do('open', 'd', O_RDONLY | O_DIRECTORY);
      const entries = await fs.do('getdents', fd, 4096);
      await fs.do('close', fd);
      for (const { name, ino } of entries) fs.same(ino, (await fs.do('lstat', `d/${name}`)).ino, name);
      fs.same(entries.length, 5, 'entries');
    },
  },
];
