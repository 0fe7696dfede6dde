import { createHash, randomBytes } from 'node:crypto';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import type { Octets } from '../base/octets.ts';
import type { AtCalls } from '../base/system/at-calls.ts';
import { cName } from '../base/system/at-calls.ts';
import { isAlive } from '../base/system/is-alive.ts';
import { errorCode } from '../base/system/system-error.ts';

/**
 * The names of incomplete files identify their process: `.vtftp-MACHINE-BOOT-PID-START-RANDOM-NUMBER`. This distinguishes the leftovers
 * of a killed process from files of a live one, on this machine or another that shares the directory.
 */
const PATTERN = /^\.vtftp-([0-9a-f]{8})-([0-9a-f]{8})-([0-9a-z]+)-([0-9a-z]+)-[0-9a-f]{8}-[0-9a-z]+$/;

/** The process that made a temporary name. */
interface Maker {
  /** Identifies the machine and its PID namespace. */
  readonly machine: string;
  /** Identifies the boot of the machine. */
  readonly boot: string;
  readonly pid: number;
  /** When the process started, in clock ticks since boot, in base 36. */
  readonly start: string;
}

/** The start of all temporary names of one export. A number in base 36 follows. */
export function temporaryPrefix(): string {
  const { machine, boot, pid, start } = self();
  return `.vtftp-${machine}-${boot}-${pid.toString(36)}-${start}-${randomBytes(4).toString('hex')}-`;
}

/** Whether a name is a temporary one whose process is dead. False for names of other machines and in other forms. */
export function isAbandoned(name: Octets): boolean {
  const [, machine = '', boot = '', pid = '', start = ''] = PATTERN.exec(name) ?? [];
  const here = self();
  if (machine === '' || machine !== here.machine) return false;
  return boot !== here.boot || startOf(Number.parseInt(pid, 36)) !== start;
}

/** Whether a name is a temporary one that a live process may be writing, on this machine or another. */
export function isAtWork(name: Octets): boolean {
  return PATTERN.test(name) && !isAbandoned(name);
}

/**
 * Removes the temporary files of dead processes from an open directory.
 *
 * @returns the number of removed names
 */
export function removeAbandoned(at: AtCalls, dir: number): number {
  let names: string[];
  try {
    names = readdirSync(`/proc/self/fd/${dir}`, 'latin1');
  } catch {
    return 0; // the directory is writable but not readable, or this is not Linux
  }
  let count = 0;
  for (const name of names) {
    if (!name.startsWith('.vtftp-') || !isAbandoned(name as Octets)) continue;
    try {
      at.unlink(dir, cName(name as Octets));
      count++;
    } catch (error) {
      // It belongs to another user, or is a directory. It does no harm.
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

/** The PID namespace of this process: a container has its own. */
function namespaceOf(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** When a process started, in base 36; `0` if there is no such process. @see proc(5), /proc/PID/stat field 22 */
function startOf(pid: number): string {
  const stat = textOf(`/proc/${pid}/stat`);
  // The program's name, in parentheses, may contain any character.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  if (ticks !== undefined) return Number(ticks).toString(36);
  return isAlive(pid) ? '1' : '0';
}
