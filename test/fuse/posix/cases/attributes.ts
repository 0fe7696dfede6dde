import type { PosixCase } from '../checks.ts';
import { FLAGS, isBefore, LEAF_TYPES, NODE_TYPES, OTHER, REAL_TYPES, TYPE_BITS, USER } from '../checks.ts';
import type { Moment, TimeWord } from '../system-calls.ts';

/** chmod(2). */
export const CHMOD_CASES: readonly PosixCase[] = [
  {
    name: 'chmod sets all twelve bits of every type, and the ctime alone',
    async run(fs) {
      for (const type of REAL_TYPES) {
        await fs.make(type, 'n');
        for (const mode of [0o111, 0o777, 0o1755, 0o2755, 0o4755, 0o7777, 0, 0o644]) {
          await fs.do('chmod', 'n', mode);
          await fs.is('n', { mode: TYPE_BITS[type] | mode });
        }
        await fs.do('symlink', 'n', 's');
        await fs.sets({ n: ['ctime'], s: [], '.': [] }, () => fs.do('chmod', 's', 0o640));
        await fs.is('n', { mode: TYPE_BITS[type] | 0o640 });
        await fs.do('unlink', 's');
        await fs.unmake(type, 'n');
      }
      const fd = await fs.do('open', 'f', FLAGS.O_CREAT | FLAGS.O_RDWR, 0o644);
      await fs.do('fchmod', fd, 0o4711);
      fs.same((await fs.do('fstat', fd)).mode, 0o104711, 'fchmod');
      await fs.do('close', fd);
    },
  },
  {
    name: 'only the owner changes permissions, and not to a setgid of a group that is not his',
    needsKernel: true,
    async run(fs) {
      for (const type of REAL_TYPES) {
        await fs.make(type, 'n');
        await fs.do('chown', 'n', USER.uid, USER.gid);
        await fs.sets({ n: [] }, () => fs.as(OTHER, () => fs.fails('EPERM', 'chmod', 'n', 0o777)));
        await fs.as(USER, async () => {
          await fs.do('chmod', 'n', 0o2755);
          fs.same(await fs.mode('n'), 0o2755, 'setgid of the own group');
        });
        await fs.do('chown', 'n', USER.uid, OTHER.gid);
        await fs.as(USER, async () => {
          await fs.do('chmod', 'n', 0o2755);
          fs.same(await fs.mode('n'), 0o755, `setgid of another group, ${type}`);
        });
        await fs.unmake(type, 'n');
      }
    },
  },
  {
    name: 'a write, a truncate and O_TRUNC by somebody without privileges takes setuid and setgid, by root nothing',
    needsKernel: true,
    async run(fs) {
      const ways: readonly (readonly [string, () => Promise<void>])[] = [
        [
          'write',
          async () => {
            const fd = await fs.do('open', 'f', FLAGS.O_WRONLY);
            await fs.do('pwrite', fd, 'x', 0);
            await fs.do('close', fd);
          },
        ],
        ['truncate', () => fs.do('truncate', 'f', 123)],
        [
          'ftruncate',
          async () => {
            const fd = await fs.do('open', 'f', FLAGS.O_WRONLY);
            await fs.do('ftruncate', fd, 77);
            await fs.do('close', fd);
          },
        ],
        ['O_TRUNC', async () => fs.do('close', await fs.do('open', 'f', FLAGS.O_WRONLY | FLAGS.O_TRUNC))],
        [
          'fallocate',
          async () => {
            const fd = await fs.do('open', 'f', FLAGS.O_WRONLY);
            await fs.do('fallocate', fd, 0, 0, 5000);
            await fs.do('close', fd);
          },
        ],
      ];
      for (const [name, way] of ways) {
        for (const [mode, left] of [
          [0o4777, 0o777],
          [0o2777, 0o777],
          [0o6777, 0o777],
          [0o2767, name === 'write' || name === 'fallocate' ? undefined : undefined],
        ] as const) {
          if (left === undefined) continue;
          await fs.make('file', 'f');
          await fs.do('chmod', 'f', mode);
          await fs.as(USER, way);
          fs.same(await fs.mode('f'), left, `${name} of ${mode.toString(8)} by a user`);
          await fs.do('chmod', 'f', mode);
          await way();
          fs.same(await fs.mode('f'), mode, `${name} of ${mode.toString(8)} by root`);
          await fs.do('unlink', 'f');
        }
      }
    },
  },
];

/** chown(2). */
export const CHOWN_CASES: readonly PosixCase[] = [
  {
    name: 'chown sets owner and group of every type, each alone, and the ctime',
    async run(fs) {
      for (const type of NODE_TYPES) {
        await fs.make(type, 'n');
        await fs.sets({ n: ['ctime'], '.': [] }, () => fs.do('lchown', 'n', 123, 456));
        await fs.is('n', { uid: 123, gid: 456 });
        await fs.do('lchown', 'n', 0, -1);
        await fs.is('n', { uid: 0, gid: 456 });
        await fs.do('lchown', 'n', -1, 0);
        await fs.is('n', { uid: 0, gid: 0 });
        await fs.do('lchown', 'n', 0xfffffffe, 0xfffffffd);
        await fs.is('n', { uid: 0xfffffffe, gid: 0xfffffffd });
        await fs.sets({ n: ['ctime'] }, () => fs.do('lchown', 'n', -1, -1));
        await fs.is('n', { uid: 0xfffffffe, gid: 0xfffffffd });
        if (type !== 'symlink') {
          await fs.do('symlink', 'n', 's');
          await fs.do('chown', 's', 7, 8);
          await fs.is('n', { uid: 7, gid: 8 });
          await fs.is('s', { uid: 0, gid: 0 });
          await fs.do('unlink', 's');
        }
        await fs.unmake(type, 'n');
      }
    },
  },
  {
    name: 'chown takes setuid and setgid of all that can be executed, whoever does it, and leaves those of Dirs',
    async run(fs) {
      for (const type of REAL_TYPES) {
        await fs.make(type, 'n');
        for (const [uid, gid] of [
          [USER.uid, USER.gid],
          [-1, 0],
          [0, -1],
          [-1, -1],
        ] as const) {
          await fs.do('chmod', 'n', 0o6555);
          await fs.do('chown', 'n', uid, gid);
          fs.same(await fs.mode('n'), type === 'dir' ? 0o6555 : 0o555, `${type} by root to ${uid}, ${gid}`);
        }
        await fs.do('chmod', 'n', 0o6545);
        await fs.do('chown', 'n', USER.uid, USER.gid);
        fs.same(await fs.mode('n'), type === 'dir' ? 0o6545 : 0o2545, `${type} whose group may not execute it`);
        if (fs.hasKernel) {
          for (const [uid, gid] of [
            [-1, OTHER.gid],
            [USER.uid, USER.gid],
            [-1, -1],
          ] as const) {
            await fs.do('chmod', 'n', 0o6555);
            await fs.as({ ...USER, groups: [USER.gid, OTHER.gid] }, () => fs.do('chown', 'n', uid, gid));
            fs.same(await fs.mode('n'), type === 'dir' ? 0o6555 : 0o555, `${type} by its owner to ${uid}, ${gid}`);
          }
        }
        await fs.unmake(type, 'n');
      }
    },
  },
  {
    name: 'a user gives nothing away, and gives his own only to groups that he is in',
    needsKernel: true,
    async run(fs) {
      for (const type of NODE_TYPES) {
        await fs.make(type, 'n');
        await fs.do('lchown', 'n', USER.uid, USER.gid);
        await fs.sets({ n: [] }, () =>
          fs.as(USER, async () => {
            await fs.fails('EPERM', 'lchown', 'n', OTHER.uid, USER.gid);
            await fs.fails('EPERM', 'lchown', 'n', -1, OTHER.gid);
          }),
        );
        await fs.as({ ...USER, groups: [USER.gid, OTHER.gid] }, () => fs.do('lchown', 'n', USER.uid, OTHER.gid));
        await fs.is('n', { uid: USER.uid, gid: OTHER.gid });
        await fs.as(OTHER, async () => {
          await fs.fails('EPERM', 'lchown', 'n', OTHER.uid, OTHER.gid);
          await fs.fails('EPERM', 'lchown', 'n', -1, USER.gid);
        });
        await fs.unmake(type, 'n');
      }
    },
  },
];

const TIMES: readonly Moment[] = [
  [1, 2],
  [0, 0],
  [0, 999_999_999],
  [-1, 1],
  [-86_400 * 365 * 80, 123_456_789],
  [2 ** 31 - 1, 5],
  [2 ** 31 + 5, 6],
  [2 ** 32 + 7, 8],
  [2 ** 33, 999_999_999],
];

/** utimensat(2). */
export const TIME_CASES: readonly PosixCase[] = [
  {
    name: 'times of every type are set to the nanosecond, before 1970 and past 2106, each alone, now, or not at all',
    async run(fs) {
      for (const type of NODE_TYPES) {
        await fs.make(type, 'n');
        for (const time of TIMES) {
          const other: Moment = [time[0] + 1000, 7];
          await fs.do('utimens', 'n', time, other, false);
          await fs.is('n', { atime: time, mtime: other });
        }
        await fs.do('utimens', 'n', [100, 1], [200, 2], false);
        await fs.do('utimens', 'n', 'omit', [300, 3], false);
        await fs.is('n', { atime: [100, 1], mtime: [300, 3] });
        await fs.do('utimens', 'n', [400, 4], 'omit', false);
        await fs.is('n', { atime: [400, 4], mtime: [300, 3] });
        await fs.sets({ n: [] }, () => fs.do('utimens', 'n', 'omit', 'omit', false));
        await fs.sets({ n: ['ctime'], '.': [] }, () => fs.do('utimens', 'n', [1, 1], [300, 3], false));
        await fs.sets({ n: ['mtime', 'ctime'] }, () => fs.do('utimens', 'n', 'omit', 'now', false));
        await fs.is('n', { atime: [1, 1] });
        await fs.do('utimens', 'n', 'now', [5, 5], false);
        const { atime, mtime } = await fs.do('lstat', 'n');
        fs.same(mtime, [5, 5], 'mtime');
        fs.holds(isBefore([1_000_000_000, 0], atime), 'atime is now');
        if (type !== 'symlink') {
          await fs.do('symlink', 'n', 's');
          await fs.do('utimens', 's', [8, 8], [9, 9], true);
          await fs.is('n', { atime: [8, 8], mtime: [9, 9] });
          await fs.do('utimens', 's', [6, 6], [7, 7], false);
          await fs.is('n', { atime: [8, 8], mtime: [9, 9] });
          await fs.is('s', { atime: [6, 6], mtime: [7, 7] });
          await fs.do('unlink', 's');
        }
        await fs.unmake(type, 'n');
      }
    },
  },
  {
    name: 'the owner sets any time, whoever may write sets it to now, nobody else',
    needsKernel: true,
    async run(fs) {
      const given: readonly (readonly [TimeWord, TimeWord])[] = [
        [
          [1, 1],
          [2, 2],
        ],
        ['now', 'omit'],
        ['omit', 'now'],
        [[1, 1], 'now'],
      ];
      for (const type of REAL_TYPES) {
        await fs.make(type, 'n');
        await fs.do('chown', 'n', USER.uid, USER.gid);
        await fs.do('chmod', 'n', 0o444);
        await fs.as(USER, async () => {
          for (const [atime, mtime] of [...given, ['now', 'now'] as const]) await fs.do('utimens', 'n', atime, mtime, true);
        });
        await fs.as(OTHER, async () => {
          for (const [atime, mtime] of given) await fs.fails('EPERM', 'utimens', 'n', atime, mtime, true);
          await fs.fails('EACCES', 'utimens', 'n', 'now', 'now', true);
          await fs.do('utimens', 'n', 'omit', 'omit', true);
        });
        await fs.do('chmod', 'n', 0o666);
        await fs.as(OTHER, async () => {
          await fs.do('utimens', 'n', 'now', 'now', true);
          await fs.fails('EPERM', 'utimens', 'n', [1, 1], [2, 2], true);
        });
        await fs.unmake(type, 'n');
      }
    },
  },
];

/** setxattr(2) and the like. */
export const XATTR_CASES: readonly PosixCase[] = [
  {
    name: 'attributes are made, replaced, listed and removed as their flags say, with a new ctime',
    async run(fs) {
      for (const type of ['file', 'dir'] as const) {
        await fs.make(type, 'n');
        await fs.sets({ n: ['ctime'], '.': [] }, () => fs.do('setxattr', 'n', 'user.a', 'one', 0));
        await fs.fails('EEXIST', 'setxattr', 'n', 'user.a', 'two', 1);
        await fs.fails('ENODATA', 'setxattr', 'n', 'user.b', 'two', 2);
        await fs.do('setxattr', 'n', 'user.a', 'three', 2);
        await fs.do('setxattr', 'n', 'user.b', '', 1);
        fs.same(await fs.do('getxattr', 'n', 'user.a'), 'three', 'value');
        fs.same(await fs.do('getxattr', 'n', 'user.b'), '', 'empty value');
        fs.same([...(await fs.do('listxattr', 'n'))].filter((name) => name.startsWith('user.')).sort(), ['user.a', 'user.b'], 'names');
        await fs.sets({ n: ['ctime'] }, () => fs.do('removexattr', 'n', 'user.a'));
        await fs.fails('ENODATA', 'getxattr', 'n', 'user.a');
        await fs.fails('ENODATA', 'removexattr', 'n', 'user.a');
        if (fs.hasKernel) {
          await fs.fails('EOPNOTSUPP', 'setxattr', 'n', 'nonsense', 'x', 0);
          await fs.fails(['ERANGE', 'ENAMETOOLONG'], 'setxattr', 'n', `user.${'x'.repeat(251)}`, 'x', 0);
        }
        await fs.do('setxattr', 'n', `user.${'x'.repeat(250)}`, 'x', 0);
        await fs.do('setxattr', 'n', 'trusted.t', 'x', 0);
        await fs.unmake(type, 'n');
      }
    },
  },
  {
    name: 'only files and Dirs have user attributes, and only root has trusted ones',
    needsKernel: true,
    async run(fs) {
      for (const type of LEAF_TYPES) {
        await fs.make(type, 'n');
        if (type !== 'file') await fs.fails('EPERM', 'setxattr', 'n', 'user.a', 'x', 0);
        await fs.do('setxattr', 'n', 'trusted.t', 'x', 0);
        fs.same(await fs.do('getxattr', 'n', 'trusted.t'), 'x', type);
        await fs.unmake(type, 'n');
      }
      await fs.make('file', 'n', 0o666);
      await fs.do('chmod', 'n', 0o644);
      await fs.do('setxattr', 'n', 'trusted.t', 'x', 0);
      await fs.as(USER, async () => {
        await fs.fails('EPERM', 'setxattr', 'n', 'trusted.u', 'x', 0);
        await fs.fails('ENODATA', 'getxattr', 'n', 'trusted.t');
        fs.same(
          (await fs.do('listxattr', 'n')).filter((name) => name.startsWith('trusted.')),
          [],
          'not listed to users',
        );
        await fs.fails('EACCES', 'setxattr', 'n', 'user.u', 'x', 0);
      });
    },
  },
];
