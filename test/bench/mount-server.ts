import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

/** Ticks of a processor's second in /proc: USER_HZ, 100 on all machines that Node runs on. */
const TICKS = 100;

/** The process that serves a FUSE mount: it has the device open, and was started with a line that has the mount point. */
export function serverOf(mountPoint: string): number | undefined {
  const numbers = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  const found = numbers.find((number) => {
    const words = orNothing(() => readFileSync(`/proc/${number}/cmdline`, 'utf8')) ?? '';
    if (!words.includes(mountPoint)) return false;
    const folder = `/proc/${number}/fd`;
    return (orNothing(() => readdirSync(folder)) ?? []).some((fd) => orNothing(() => readlinkSync(`${folder}/${fd}`)) === '/dev/fuse');
  });
  return found === undefined ? undefined : Number(found);
}

/** Processes end, and close descriptors, while somebody looks. */
function orNothing<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}

/** Seconds of processor time that a process has taken. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1').split(') ')[1]?.split(' ') ?? [];
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}
