import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { isAlive } from '../base/system/is-alive.ts';
import { errorCode } from '../base/system/system-error.ts';

/**
 * Names of files that are not complete say which process makes them: `.vtftp-MACHINE-BOOT-PID-START-RANDOM-NUMBER`. What a
 * killed process left is distinguished by that from the work of one that lives, here or on another machine that shares the directory.
 */
const PATTERN = /^\.vtftp-([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-z]+)-([0-9a-z]+)-[0-9a-f]{8}-[0-9a-z]+$/;

/** Who makes temporary names, or made them. */
interface Maker {
  /** Which machine, and which numbering of processes on it. */
  readonly machine: string;
  /** Which start of the machine. */
  readonly boot: string;
  readonly pid: number;
  /** When the process began, in the kernel's ticks. */
  readonly start: string;
}

/** What all temporary names of one export begin with; a number in letters and digits follows. */
export function temporaryPrefix(): string {
  const { machine, boot, pid, start } = self();
  return `.vtftp-${machine}-${boot}-${pid.toString(36)}-${start}-${randomBytes(4).toString('hex')}-`;
}

/** Whether a name is a temporary one whose process is dead. Names of other machines and of former versions are nobody's to judge. */
export function isAbandoned(name: Octets): boolean {
  const [, machine = '', boot = '', pid = '', start = ''] = PATTERN.exec(name) ?? [];
  const here = self();
  if (machine === '' || machine !== here.machine) return false;
  return boot !== here.boot || startOf(Number.parseInt(pid, 36)) !== start;
}

/** Whether a name is a temporary one that a live process may be making, here or on another machine. */
export function isAtWork(name: Octets): boolean {
  return PATTERN.test(name) && !isAbandoned(name);
}

/**
 * Removes what dead processes left in an open directory.
 *
 * @returns how many names
 */
export function removeAbandoned(at: AtCalls, dir: number): number {
  let names: string[];
  try {
    names = readdirSync(`/proc/self/fd/${dir}`, 'latin1');
  } catch {
    return 0; // a directory that may be written and not read, or no Linux
  }
  let count = 0;
  for (const name of names) {
    if (!name.startsWith('.vtftp-') || !isAbandoned(name as Octets)) continue;
    try {
      at.unlink(dir, cName(name as Octets));
      count++;
    } catch (error) {
      // Another's, or no file: it hinders nobody.
      if (errorCode(error) === undefined) throw error;
    }
  }
  return count;
}

let cached: Maker | undefined;

function self(): Maker {
  cached ??= {
    machine: short(`${textOf('/etc/machine-id') || hostname()} ${namespaceOf()}`),
    boot: short(textOf('/proc/sys/kernel/random/boot_id')),
    pid: process.pid,
    start: startOf(process.pid),
  };
  return cached;
}

function short(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 8);
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}

/** The numbering of processes that this one is in: a container has its own. */
function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** When a process began, in letters and digits; `0` where there is none. @see proc(5), /proc/PID/stat field 22 */
function startOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  // The name of the program, in parentheses, may hold anything.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (ticks !== undefined) return Number(ticks).toString(36);
  return isAlive(pid) ? '1' : '0';
}
