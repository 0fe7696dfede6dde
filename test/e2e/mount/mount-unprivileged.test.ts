import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { noMountsHere } from '../../support/mounts/mounted.ts';
import { PROGRAM } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

const NOBODY = 65534;

/** Says that the test cannot be prepared here. */
const CANNOT = 77;

function whyNot(): string | undefined {
  if (process.getuid?.() !== 0) return 'becoming somebody else takes root';
  for (const command of ['fusermount3', 'setpriv', 'unshare'])
    if (spawnSync('which', [command]).status !== 0) return `there is no ${command}`;
  return noMountsHere();
}

test('who is not root mounts by fusermount3, and what is written there is stored', { skip: whyNot() ?? false }, (t) => {
  const scratch = makeScratch(t);
  const home = scratch.mkdir('nobody');
  const folder = (name: string): string => scratch.mkdir(`nobody/${name}`);
  const [mnt, run] = [folder('mnt'), folder('run')];
  for (const path of [home, mnt, run]) chownSync(path, NOBODY, NOBODY);
  chmodSync(run, 0o700);
  const script = scratch.path('script');
  // In a mount namespace of its own /dev/fuse is anybody's, as most systems have it.
  writeFileSync(
    script,
    `mknod ${scratch.path('fuse')} c 10 229 && chmod 666 ${scratch.path('fuse')} && mount --bind ${scratch.path('fuse')} /dev/fuse || exit ${CANNOT}
cd ${home}
exec setpriv --reuid=${NOBODY} --regid=${NOBODY} --clear-groups env -i PATH="$PATH" HOME=${home} XDG_RUNTIME_DIR=${run} sh -ec '
vtftp() { ${process.execPath} ${PROGRAM} -S ${home}/store "$@"; }
vtftp -c "mount ${mnt}"
grep -o "${mnt} fuse.vtftp .*user_id=${NOBODY}" /proc/mounts
echo kept > ${mnt}/file
stat -c "%u:%g" ${mnt}/file
vtftp -q -c "umount ${mnt}"
vtftp -c "cat file"'
`,
  );
  const { status, stdout, stderr } = spawnSync('unshare', ['-m', 'sh', script], { encoding: 'utf8', timeout: 120_000 });
  if (status === CANNOT) {
    t.skip('no device can be made here');
    return;
  }
  assert.equal(status, 0, stdout + stderr);
  assert.match(stdout, new RegExp(`user_id=${NOBODY}\n`));
  assert.match(stdout, new RegExp(`^${NOBODY}:${NOBODY}$`, 'm'));
  assert.match(stdout, /^kept$/m);
});
