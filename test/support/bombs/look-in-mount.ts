import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { processMemory } from '../process-memory.ts';
import { run, vtftp } from '../program.ts';

/** How a mount served others while somebody looked at a bomb in it. */
export interface MountBlast {
  /** The longest that another request waited, in milliseconds, and which. */
  readonly longestMs: number;
  readonly longest: string;
  /** What failed of the others' requests. */
  readonly failures: readonly string[];
  /** The most memory that the mount's process had, in MB. */
  readonly peakMb: number;
  /** What is stored of `good` and of what was written at last, after the mount is gone. */
  readonly after: string;
}

/** What is looked at, each in its own way. */
const LOOK =
  'ls -l bomb; ls -lR bomb; cat bomb; tail -c 3 bomb; getfattr -d bomb; find bomb -size +1; mv bomb moved; cp -a moved copy; rm -rf moved';

/** What others ask for meanwhile. */
const OTHERS: readonly string[] = ['cat good', 'ls .', 'stat -c %s good', 'test -e none', 'mkdir new', 'rmdir new', ': > made', 'rm made'];

/**
 * Mounts a Store that has a bomb, looks at it in every way, and asks for other things meanwhile.
 *
 * @param folder - one that is there, for the mount point
 * @param lookMs - how long it is looked at, at most
 * @param env - of the program: homes of its own
 */
export async function lookInMount(
  store: string,
  folder: string,
  lookMs: number,
  env: Readonly<Record<string, string>>,
): Promise<MountBlast> {
  const path = join(folder, 'mnt');
  mkdirSync(path, { recursive: true });
  const program = async (line: string) => await vtftp(['-S', store, '-c', line], { env });
  const made = await program(`mount ${path}`);
  if (made.status !== 0) throw new Error(made.report);
  let longestMs = 0;
  let longest = '';
  let peakMb = 0;
  const failures: string[] = [];
  let pid = 0;
  try {
    ({ pid = 0 } = JSON.parse(
      (await vtftp(['--json', '-c', 'mounts'], { env })).stdout.split('\n').find((line) => line.includes(path)) ?? '{}',
    ) as {
      readonly pid?: number;
    });
    const looking = spawn('sh', ['-c', LOOK], { cwd: path, stdio: 'ignore', detached: true });
    const looked = once(looking, 'close');
    const startMs = performance.now();
    for (let i = 0; i < OTHERS.length || (looking.exitCode === null && performance.now() - startMs < lookMs); i++) {
      const line = OTHERS[i % OTHERS.length] ?? '';
      const askedMs = performance.now();
      const other = await run('sh', ['-c', line], { cwd: path });
      const ms = performance.now() - askedMs;
      if (other.status !== (line === 'test -e none' ? 1 : 0)) failures.push(other.report);
      if (ms > longestMs) [longestMs, longest] = [ms, line];
      peakMb = Math.max(peakMb, processMemory(pid)?.peak ?? 0);
    }
    if (looking.exitCode === null) process.kill(-(looking.pid ?? 0), 'SIGKILL');
    await looked;
    const kept = await run('sh', ['-c', 'echo kept > kept'], { cwd: path });
    if (kept.status !== 0) failures.push(kept.report);
  } finally {
    const left = await program(`umount ${path}`);
    // What of the bomb itself failed is told then. The rest is recorded all the same.
    if (![0, 3].includes(left.status ?? -1) || !/^D\{/m.test(left.stdout) || /TypeError|undefined|already closed/.test(left.stderr))
      failures.push(left.report);
    // One that stays would stand in the way of the next.
    if (pid !== 0 && processMemory(pid) !== undefined) {
      process.kill(pid, 'SIGKILL');
      await run('umount', ['-l', path]);
    }
  }
  const after = (await program('cat good kept')).stdout;
  return { longestMs, longest, failures, peakMb, after };
}

/** What is wrong with how a mount took a bomb. */
export function faultsOfMount(blast: MountBlast, limits: { readonly afterMs: number; readonly mb: number }): string[] {
  const { longestMs, longest, failures, peakMb, after } = blast;
  return [
    ...(longestMs > limits.afterMs ? [`${longest} waited ${Math.round(longestMs)} ms`] : []),
    ...(peakMb > limits.mb ? [`the mount took ${Math.round(peakMb)} MB`] : []),
    ...(after === 'good\nkept\n' ? [] : [`what is stored afterwards: ${after}`]),
    ...failures,
  ];
}
