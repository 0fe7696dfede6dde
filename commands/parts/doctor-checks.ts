import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { formatLocalTime, formatStateTime } from '../../core/base/date.ts';
import { libcLosses } from '../../core/base/system/libc.ts';
import { errorReason } from '../../core/base/system/system-error.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import type { CommandContext } from '../command.ts';
import { leftJournals } from './left-journals.ts';

/** The result of one check of this machine or the Store. */
export interface Check {
  readonly what: string;
  readonly found: string;
  /** What fails because of it, and what to do; undefined if all is well. */
  readonly trouble?: string;
}

/** Open files needed, at least: for a Store of a thousand data files, a mount, and its clients. */
const MIN_OPEN_FILES = 1024;
/** Address space in bytes with which everything works; see vtftp(1) about `ulimit -v`. */
const MIN_ADDRESSES = 4 * 1024 ** 3;
/** Directories that `watch` should be able to watch, of the user's limit. */
const MIN_WATCHES = 8192;
/** Earliest plausible time, in seconds since 1970: the program did not exist before. */
const FIRST_SECONDS = 1_790_000_000;

/** Checks everything that may hinder the program. */
export async function doctorChecks(context: CommandContext): Promise<Check[]> {
  const linux = process.platform === 'linux' ? [fuseDevice(), fusermount(context), openFiles(), addresses(), watches()] : [];
  return [libc(), ...linux, clock(context), runtimeFolder(context), await store(context), ...(await journals(context))];
}

function libc(): Check {
  const losses = libcLosses();
  if (losses.length === 0) return { what: 'system calls', found: 'all there' };
  return { what: 'system calls', found: 'some are missing', trouble: `${losses.join('; ')}: run npm ci again on this machine` };
}

function fuseDevice(): Check {
  try {
    accessSync('/dev/fuse', constants.R_OK | constants.W_OK);
    return { what: '/dev/fuse', found: 'can be used' };
  } catch (error) {
    const trouble = 'mounts do not work: load the kernel module fuse, or give the device to the container';
    return { what: '/dev/fuse', found: errorReason(error), trouble };
  }
}

function fusermount({ shell }: CommandContext): Check {
  const found = (shell.env['PATH'] ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'fusermount3'))
    .find((path) => existsSync(path));
  if (found !== undefined) return { what: 'fusermount3', found };
  if (process.geteuid?.() === 0) return { what: 'fusermount3', found: 'not installed; root does not need it' };
  return { what: 'fusermount3', found: 'not installed', trouble: 'only root can mount: install the package fuse3' };
}

/** The soft limit of a row of /proc/self/limits, which Node raised to the hard limit; infinite if unlimited. */
function limitOf(row: string): number {
  const line = readFileSync('/proc/self/limits', 'utf8')
    .split('\n')
    .find((each) => each.startsWith(row));
  const [soft = 'unlimited'] = line?.slice(row.length).trim().split(/\s+/) ?? [];
  return soft === 'unlimited' ? Number.POSITIVE_INFINITY : Number(soft);
}

function openFiles(): Check {
  const limit = limitOf('Max open files');
  const check = { what: 'open files', found: limit === Number.POSITIVE_INFINITY ? 'unlimited' : String(limit) };
  return limit >= MIN_OPEN_FILES ? check : { ...check, trouble: `large Stores and mounts need more: ulimit -n ${MIN_OPEN_FILES}` };
}

function addresses(): Check {
  const limit = limitOf('Max address space');
  const check = { what: 'address space', found: limit === Number.POSITIVE_INFINITY ? 'unlimited' : `${limit} bytes` };
  return limit >= MIN_ADDRESSES ? check : { ...check, trouble: `slower, or out of memory: ulimit -v ${MIN_ADDRESSES / 1024}` };
}

function watches(): Check {
  try {
    const count = Number(readFileSync('/proc/sys/fs/inotify/max_user_watches', 'utf8'));
    const check = { what: 'watches', found: `${count} directories` };
    return count >= MIN_WATCHES ? check : { ...check, trouble: 'watch finds changes late: sysctl fs.inotify.max_user_watches=65536' };
  } catch (error) {
    return { what: 'watches', found: errorReason(error) };
  }
}

function clock({ now }: CommandContext): Check {
  const seconds = Math.floor(now().getTime() / 1000);
  const check = { what: 'clock', found: formatLocalTime(BigInt(seconds) * 1_000_000_000n) };
  return seconds >= FIRST_SECONDS ? check : { ...check, trouble: 'states would have wrong dates: set the clock' };
}

function runtimeFolder({ shell }: CommandContext): Check {
  const folder = shell.env['XDG_RUNTIME_DIR'];
  if (folder === undefined) return { what: 'control sockets', found: 'below ~/.local/state' };
  try {
    accessSync(folder, constants.W_OK | constants.X_OK);
    return { what: 'control sockets', found: `below ${folder}` };
  } catch (error) {
    return { what: 'control sockets', found: `XDG_RUNTIME_DIR ${folder}: ${errorReason(error)}`, trouble: 'no mounts: unset it' };
  }
}

async function store({ session, signal, now }: CommandContext): Promise<Check> {
  const { store: opened, archive } = session;
  const check = { what: 'Store', found: opened.name };
  if (capability(opened, 'making')?.isMade === false) return { ...check, found: `${opened.name}, which the first put or mkdir makes` };
  if (!canWrite(opened)) return { ...check, trouble: 'it is read-only: check its owner and mode' };
  if (capability(opened, 'durability')?.durability === 'none')
    return { ...check, trouble: 'durability is none: the last states may be lost in a power failure' };
  const last = await archive?.last({ signal });
  if (last !== undefined && last.whenNs > BigInt(now().getTime() + 60_000) * 1_000_000n)
    return { ...check, trouble: `its newest state is of ${formatStateTime(last.whenNs)}, in the future: a clock is wrong` };
  return check;
}

async function journals({ session }: CommandContext): Promise<Check[]> {
  return (await leftJournals(session.store)).map(({ text, trouble }) => ({ what: 'journal', found: text, trouble }));
}
