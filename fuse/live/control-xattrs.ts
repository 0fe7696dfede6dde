import { constants } from 'node:os';
import { type Octets, octetsFromBytes } from '../../core/base/octets.ts';
import type { Fields } from '../control/fields.ts';
import type { Caller, Filesystem } from '../filesystem.ts';
import { ROOT_INO } from '../filesystem.ts';
import { type ErrnoName, FilesystemError } from '../filesystem-error.ts';

/** On a mount's top Dir: setting it runs a line of commands, as on the control channel; reading it gives the outcome of the last line. */
const CONTROL_XATTR = 'user.x-vt-control' as Octets;
/** On a mount's top Dir, the path of its control socket. */
export const SOCKET_XATTR = 'user.x-vt-socket' as Octets;

/** The target of a mount's control attributes. */
export interface ControlXattrs {
  /** Path of the control channel's socket. */
  readonly socket: string;
  /** User who may run lines, besides root. */
  readonly uid: number;
  /**
   * Runs a line of commands.
   *
   * @param answer - called with each record
   * @returns the end of the answer: the exit status, and the error if there was one
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

/** The errno for a failed command; the client can read the message from the attribute. */
function errnoFor(failed: Fields | undefined): ErrnoName {
  const { errno, code } = failed ?? {};
  if (typeof errno === 'string' && Object.hasOwn(constants.errno, errno)) return errno as ErrnoName;
  return OF_CODE[String(code)] ?? 'EIO';
}
