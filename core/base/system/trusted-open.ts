import type { BigIntStats } from 'node:fs';
import { closeSync, constants, fstatSync, lstatSync, openSync, readlinkSync } from 'node:fs';
import { constants as system } from 'node:os';
import { VtError } from '../errors.ts';
import type { Octets } from '../octets.ts';
import { octetsFromBytes, octetsToText } from '../octets.ts';
import { pathBytes, systemError } from './system-error.ts';

const O_PATH = 0o10000000; // Linux
const DIRECTORY = O_PATH | constants.O_DIRECTORY;
const NODE = O_PATH | constants.O_NOFOLLOW;

/** The kernel's limit, from path_resolution(7). */
const MAX_LINKS = 40;

/** A path contains a symlink that another user made, or that another user could have put there. */
export class UntrustedLinkError extends VtError {
  constructor(link: Octets, uid: bigint, options: { readonly remedy: string }) {
    super('EPERM', `"${octetsToText(link)}" is a symlink of user ${uid}, or in a directory of that user: ${options.remedy}`, options);
  }
}

/**
 * Opens a file, and follows only symlinks that belong to root or this user, in directories that do. Other users could point theirs at
 * files that they cannot read themselves. Each element of the path is opened from the one before it, so nobody can replace one meanwhile.
 *
 * @param flags - flags of open(2), for reading
 * @param remedy - for the message: how to follow symlinks of others
 * @throws {UntrustedLinkError} for a symlink of another user; else the system's error
 */
export function openTrusted(path: Octets, flags: number, remedy: string): number {
  if (process.platform !== 'linux') return openSync(pathBytes(path), flags);
  let ahead = path.split('/') as Octets[];
  let at = '' as Octets;
  let directory = openSync('/', DIRECTORY);
  try {
    for (let links = 0; ; ) {
      const name = ahead.shift();
      if (name === undefined) return openSync(`/proc/self/fd/${directory}`, flags);
      if (name === '' || name === '.') continue;
      const entry = Buffer.from(`/proc/self/fd/${directory}/${name}`, 'latin1');
      const node = openSync(entry, NODE);
      try {
        const stat = fstatSync(node, { bigint: true });
        if (!stat.isSymbolicLink()) {
          if (ahead.length === 0) return openSync(`/proc/self/fd/${node}`, flags);
          directory = replace(directory, openSync(`/proc/self/fd/${node}`, DIRECTORY));
          at = `${at}/${name}` as Octets;
          continue;
        }
        const stranger = [stat.uid, fstatSync(directory, { bigint: true }).uid].find((uid) => !isTrusted(uid));
        if (stranger !== undefined) throw new UntrustedLinkError(`${at}/${name}` as Octets, stranger, { remedy });
        if (++links > MAX_LINKS) throw systemError(system.errno.ELOOP, 'open', pathBytes(path));
        const target = targetOf(entry, stat);
        ahead = [...(target.split('/') as Octets[]), ...ahead];
        if (!target.startsWith('/')) continue;
        directory = replace(directory, openSync('/', DIRECTORY));
        at = '' as Octets;
      } finally {
        closeSync(node);
      }
    }
  } finally {
    closeSync(directory);
  }
}

function replace(old: number, next: number): number {
  closeSync(old);
  return next;
}

/** The target of a symlink that is open. A target cannot change, and while the link is open no other can have its inode number. */
function targetOf(entry: Buffer, { dev, ino }: BigIntStats): Octets {
  const target = octetsFromBytes(readlinkSync(entry, 'buffer'));
  const now = lstatSync(entry, { bigint: true });
  if (now.dev !== dev || now.ino !== ino) throw systemError(system.errno.ELOOP, 'open', entry);
  return target;
}

function isTrusted(uid: bigint): boolean {
  return uid === 0n || uid === BigInt(process.geteuid?.() ?? 0);
}
