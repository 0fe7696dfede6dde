import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';

/** Processes named, at most. */
const MAX_USERS = 10;

/** A process that uses a mount. */
export interface MountUser {
  readonly pid: number;
  readonly command: string;
}

/**
 * The processes that have files of a mount open or their working directory in it, as far as this user may see them. Only links
 * of proc(5) are read: the mount itself is not accessed.
 *
 * @param proc - for tests
 */
export function mountUsers(mountPoint: Octets, proc = '/proc'): MountUser[] {
  const users: MountUser[] = [];
  const top = octetsToText(mountPoint);
  const isWithin = (path: string): boolean => path === top || path.startsWith(`${top}/`);
  for (const pid of names(proc)) {
    if (users.length >= MAX_USERS) break;
    if (!/^\d+$/.test(pid) || Number(pid) === process.pid) continue;
    const folder = `${proc}/${pid}`;
    const links = ['cwd', 'root', 'exe', ...names(`${folder}/fd`).map((fd) => `fd/${fd}`)];
    const maps = (): string[] =>
      read(`${folder}/maps`)
        .split('\n')
        .map((line) => line.slice(line.indexOf('/')));
    if (links.some((link) => isWithin(target(`${folder}/${link}`))) || maps().some(isWithin))
      users.push({ pid: Number(pid), command: read(`${folder}/comm`).trim() });
  }
  return users;
}

// A process may end at any time, and those of other users cannot be read.

function names(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return '';
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
