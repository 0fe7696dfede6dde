import { constants } from 'node:os';
import { type Octets, octetsFromBytes } from '../../core/base/octets.ts';
import type { Fields } from '../control/fields.ts';
import type { Caller, Filesystem } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
import { type ErrnoName, FilesystemError } from '../filesystem-error.ts';

/** Set on a mount's top Dir, its value is a line of commands as the control channel takes it; read, it says how the last one ended. */
const CONTROL_XATTR = 'user.x-vt-control' as Octets;
/** On a mount's top Dir, the path of its control socket. */
export const SOCKET_XATTR = 'user.x-vt-socket' as Octets;

/** What the control attributes of a mount act on. */
export interface ControlXattrs {
  /** Of the control channel. */
  readonly socket: string;
  /** Whose lines are taken, besides root's. */
  readonly uid: number;
  /**
   * Runs a line of commands.
   *
   * @param answer - is given each record
   * @returns the end of the answer: the exit status, and what went wrong
   */
  readonly run: (line: Octets, answer: (record: Fields) => void, signal: AbortSignal) => Promise<Fields>;
}

/** A filesystem whose top Dir has the attributes by which setfattr(1) and any program can give the mount a command. They are not listed. */
export function withControlXattrs(filesystem: Filesystem, control: ControlXattrs): Filesystem {
  let outcome: string | undefined;
  const give = async (line: Octets, signal: AbortSignal): Promise<void> => {
    let failed: Fields | undefined;
    const note = (record: Fields): void => {
      if (typeof record['error'] === 'string') failed ??= record;
    };
    const end = await control.run(line, note, signal);
    const status = Number(end['status']);
    note(end);
    const { error, remedy } = failed ?? {};
    outcome = status === 0 ? 'done' : `${String(error ?? `status ${status}`)}${remedy === undefined ? '' : ` (${String(remedy)})`}`;
    if (status !== 0) throw new FilesystemError(errnoFor(failed));
  };
  return {
    ...filesystem,
    getxattr(ino, name, caller) {
      if (ino === ROOT_INO && name === SOCKET_XATTR) return Buffer.from(control.socket);
      if (ino !== ROOT_INO || name !== CONTROL_XATTR) return filesystem.getxattr(ino, name, caller);
      requireOwner(control, caller);
      if (outcome === undefined) throw new FilesystemError('ENODATA');
      return Buffer.from(outcome);
    },
    setxattr(ino, name, value, flags, caller) {
      if (name !== CONTROL_XATTR && name !== SOCKET_XATTR) return filesystem.setxattr(ino, name, value, flags, caller);
      if (ino !== ROOT_INO || name === SOCKET_XATTR) throw new FilesystemError('EPERM');
      requireOwner(control, caller);
      return give(octetsFromBytes(value).replace(/[\0\n]+$/, '') as Octets, caller.signal);
    },
  };
}

function requireOwner({ uid }: ControlXattrs, caller: Caller): void {
  if (caller.uid !== uid && caller.uid !== 0) throw new FilesystemError('EPERM');
}

const OF_CODE: Readonly<Record<string, ErrnoName>> = {
  EPARSE: 'EINVAL',
  EUSAGE: 'EINVAL',
  EPERM: 'EPERM',
  EREADONLY: 'EROFS',
  EMISSING: 'ENOENT',
  ECANCELLED: 'EINTR',
};

/** The error that a client sees for a command that failed; what was wrong in words it reads from the attribute. */
function errnoFor(failed: Fields | undefined): ErrnoName {
  const { errno, code } = failed ?? {};
  if (typeof errno === 'string' && Object.hasOwn(constants.errno, errno)) return errno as ErrnoName;
  return OF_CODE[String(code)] ?? 'EIO';
}
