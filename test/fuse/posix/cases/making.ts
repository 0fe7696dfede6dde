import type { NodeType, PosixCase } from '../checks.ts';
import { FLAGS, REAL_TYPES, TYPE_BITS, USER } from '../checks.ts';

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
