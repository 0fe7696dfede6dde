import type { Stats } from 'node:fs';
import { lstatSync, readlinkSync, statfsSync } from 'node:fs';
import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToText } from '../base/octets.ts';
import { pathBytes } from '../base/system/system-error.ts';

/** The target of a path that must be written to, and not be replaced by a new file. */
export interface SpecialFile {
  readonly kind: 'fifo' | 'socket' | 'block' | 'char' | 'open file';
  /** A description for messages: `is a device`. */
  readonly text: string;
  /** The path itself is a symlink. */
  readonly isBehindLink: boolean;
  /** The descriptor, if it is an open file of this process. */
  readonly descriptor?: number;
}

/** Type of a proc filesystem. @see statfs(2) */
const PROC_SUPER_MAGIC = 0x9fa0;

/** The number of symlinks that the system follows. @see path_resolution(7) */
const MAX_SYMLINKS = 40;

/**
 * The device, FIFO, socket, or open file of a process (`/dev/stdout`, `/proc/self/fd/1`) to which a local path leads. Undefined for a
 * regular file, a directory, or a path that does not exist.
 *
 * @throws SystemError if the path cannot be examined
 */
export function specialFileAt(path: Octets): SpecialFile | undefined {
  let at = path;
  for (let steps = 0; steps < MAX_SYMLINKS; steps++) {
    const seen = lstatSync(pathBytes(at), { throwIfNoEntry: false });
    if (seen === undefined) return undefined;
    const isBehindLink = at !== path;
    const leads = isBehindLink ? `leads to "${octetsToText(at)}", which ` : '';
    if (!seen.isSymbolicLink()) {
      const kind = kindOf(seen);
      return kind === undefined ? undefined : { kind, text: `${leads}is ${NAMES[kind]}`, isBehindLink };
    }
    const folder = (at.slice(0, at.lastIndexOf('/')) || '/') as Octets;
    if (isProc(folder)) {
      const [, descriptor] = /^\/(?:proc\/self|dev)\/fd\/(\d+)$/.exec(at) ?? [];
      const text = `${leads}is an open file of a process`;
      return { kind: 'open file', text, isBehindLink: true, ...(descriptor === undefined ? {} : { descriptor: Number(descriptor) }) };
    }
    const target = octetsFromBytes(readlinkSync(pathBytes(at), 'buffer'));
    at = (target.startsWith('/') ? target : `${folder}/${target}`) as Octets;
  }
  return undefined;
}

const NAMES = { fifo: 'a FIFO', socket: 'a socket', block: 'a device', char: 'a device' } as const;

function kindOf(stat: Stats): keyof typeof NAMES | undefined {
  if (stat.isFIFO()) return 'fifo';
  if (stat.isSocket()) return 'socket';
  if (stat.isBlockDevice()) return 'block';
  return stat.isCharacterDevice() ? 'char' : undefined;
}

function isProc(folder: Octets): boolean {
  return process.platform === 'linux' && statfsSync(pathBytes(folder)).type === PROC_SUPER_MAGIC;
}
