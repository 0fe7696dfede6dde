import { describe, it } from 'node:test';
import { mounted } from '../support/mounts/mounted.ts';
import { noNativeDriverHere } from '../support/mounts/native-driver.ts';
import { makeScratch } from '../support/scratch.ts';
import { processCaller } from './posix/process-caller.ts';
import { runPosixCases } from './posix/run-cases.ts';

const NO_CALLER = 'libfuse 2 by its package does not tell who calls';
const NO_FLAGS = 'it has no renames with flags';
const MILLISECONDS = 'it has times in milliseconds';
const NO_FALLOCATE = 'it has no fallocate';

/** Cases that a mount by this driver fails, and why. vtftp(1), "Mounts and local filesystems", says the same. */
const FAILING: ReadonlyMap<string, string> = new Map([
  ["a node that a user makes is that user's, a device only root may make", NO_CALLER],
  ['only files and Dirs have user attributes, and only root has trusted ones', NO_CALLER],
  ['a symlink holds what it was given, and nothing is too odd to be held', 'its names are UTF-8'],
  ['a Dir that is removed while it is open has no names in it and takes none', 'it names nodes by paths'],
  ['a Dir has a link for each Dir in it, wherever that comes from and goes to', NO_FLAGS],
  ['renameat2 keeps what is there, or exchanges two nodes of any types', NO_FLAGS],
  ['a write, a truncate and O_TRUNC by somebody without privileges takes setuid and setgid, by root nothing', NO_FALLOCATE],
  ['fallocate grows a file or leaves its size, punches holes and makes zeros', NO_FALLOCATE],
  ['chown sets owner and group of every type, each alone, and the ctime', MILLISECONDS],
  ['times of every type are set to the nanosecond, before 1970 and past 2106, each alone, now, or not at all', MILLISECONDS],
  ['a file without a name gets one, or goes with its last descriptor', 'it has no O_TMPFILE'],
  ['holes are found where they are, and beyond the end is nothing', 'it has no SEEK_HOLE'],
  ['a listing gives the inode numbers that stat gives', 'its listings have none'],
]);

const notRoot = process.geteuid?.() === 0 ? undefined : 'only root acts as other users';

describe('what POSIX and Linux say of a filesystem, by the driver fuse-native', {
  skip: notRoot ?? (await noNativeDriverHere()) ?? false,
}, () => {
  it('is so of a mount but for what is said', async (t) => {
    const mount = await mounted(t, makeScratch(t), '-o allow_other,driver=fuse-native');
    await using caller = processCaller(mount.path);
    await runPosixCases(t, caller, { failing: FAILING });
    await caller.call('chdir', '/');
  });
});
