import { mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { describe, it } from 'node:test';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { makeScratch } from '../support/scratch.ts';
import { processCaller } from './posix/process-caller.ts';
import { runPosixCases } from './posix/run-cases.ts';

const TMPFS = 0x01021994;
const MEMORY = '/dev/shm';

function noTmpfsHere(): string | undefined {
  try {
    if (statfsSync(MEMORY).type === TMPFS) return undefined;
  } catch {
    // There is none.
  }
  return `there is no tmpfs at ${MEMORY}`;
}

const notRoot = process.geteuid?.() === 0 ? undefined : 'only root acts as other users';

describe('what POSIX and Linux say of a filesystem', { skip: notRoot ?? false }, () => {
  it('is so of a mount', { skip: noMountsHere() ?? false }, async (t) => {
    const mount = await mounted(t, makeScratch(t), '-o allow_other');
    await using caller = processCaller(mount.path);
    await runPosixCases(t, caller);
    await caller.call('chdir', '/');
  });

  it('is so of tmpfs, which shows that the checks are right', { skip: noTmpfsHere() ?? false }, async (t) => {
    const folder = mkdtempSync(`${MEMORY}/vtftp-posix-`);
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    await using caller = processCaller(folder);
    await runPosixCases(t, caller);
    await caller.call('chdir', '/');
  });
});
