import { errnoText } from './errno-text.ts';
import { type Octets, octetsToText } from './octets.ts';

/**
 * The errors of the product. Codes are stable; messages may change. A message follows one grammar, `ACTION "THING": FACT`;
 * the first two parts may be absent. `errorParts` splits it, and the shell composes the line for users from the parts.
 */

/** Stable codes; mapped to exit statuses in `shell/exit-status.ts` and to errnos by the mount. */
export type VtErrorCode =
  | 'EPARSE' // stored or received text or bytes that do not follow their grammar
  | 'EMISSING' // a Block that the Store does not have
  | 'ECORRUPT' // a Block whose bytes do not match its hashcode, or a damaged file
  | 'EOPEN' // a source, Store or socket that cannot be opened
  | 'EREADONLY' // a write to something read-only
  | 'ELOCKED' // held by another process
  | 'ECLOSED' // used after close
  | 'EUNSUPPORTED' // a version, codec or kind that this program does not know
  | 'ECANCELLED' // the signal fired
  | 'EUSAGE' // a command line that cannot be understood
  | 'EPARTIAL' // done in part; what failed has been reported
  | 'EPERM' // not permitted
  | 'EFULL' // no room: a full disk, a quota
  | 'EFAILED'; // any other failure

export interface VtErrorOptions {
  readonly cause?: unknown;
  /** How to solve the problem, as a short imperative phrase. */
  readonly remedy?: string;
}

/** An expected condition, with a stable `code`. */
export class VtError extends Error {
  readonly code: VtErrorCode;
  readonly remedy: string | undefined;

  constructor(code: VtErrorCode, message: string, options: VtErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** Text or bytes that do not follow their grammar; `offset` is the first byte or character at fault. */
export class ParseError extends VtError {
  readonly offset: number;

  /** @param options - `code`: EUSAGE for a text that the user typed; default EPARSE, which is damage */
  constructor(what: string, offset: number, options: VtErrorOptions & { readonly code?: 'EUSAGE' } = {}) {
    super(options.code ?? 'EPARSE', `${what}, at offset ${offset}`, options);
    this.offset = offset;
  }
}

/** A Block that no Store at hand has. */
export class MissingBlockError extends VtError {
  readonly hashcode: string;

  constructor(hashcode: string, store: string, options: VtErrorOptions = {}) {
    super('EMISSING', `get Block ${hashcode}: not in Store "${store}"`, options);
    this.hashcode = hashcode;
  }
}

/** A Block whose bytes are not those that its hashcode names. */
export class CorruptBlockError extends VtError {
  readonly hashcode: string;

  constructor(hashcode: string, where: string, found: string, options: VtErrorOptions = {}) {
    super('ECORRUPT', `get Block ${hashcode} from "${where}": ${found}`, options);
    this.hashcode = hashcode;
  }
}

/** POSIX error names used for paths in a tree. */
export type PathErrorName =
  | 'ENOENT'
  | 'ENOTDIR'
  | 'EISDIR'
  | 'EEXIST'
  | 'ENOTEMPTY'
  | 'ELOOP'
  | 'EINVAL'
  | 'ENAMETOOLONG'
  | 'EXDEV'
  | 'EMLINK'
  | 'EROFS'
  | 'EPERM'
  | 'EACCES'
  | 'ENODATA'
  | 'EFBIG';

/** A path in a tree on which an operation is not possible; `errno` is the POSIX name. */
export class PathError extends VtError {
  readonly errno: PathErrorName;
  /** The path, in bytes. */
  readonly octets: Octets;
  /** The path as text for messages. */
  readonly path: string;
  readonly action: string;

  constructor(errno: PathErrorName, action: string, octets: Octets, options: VtErrorOptions = {}) {
    const code = errno === 'EROFS' ? 'EREADONLY' : errno === 'EPERM' || errno === 'EACCES' ? 'EPERM' : 'EFAILED';
    const path = octetsToText(octets);
    super(code, `${action} "${path}": ${errnoText(errno)}`, options);
    this.errno = errno;
    this.octets = octets;
    this.path = path;
    this.action = action;
  }
}

/** A write to something opened read-only. */
export class ReadOnlyError extends VtError {
  constructor(action: string, what: string, options: VtErrorOptions = {}) {
    super('EREADONLY', `${action} "${what}": read-only`, options);
  }
}

/** A resource used after it was closed. */
export class ClosedError extends VtError {
  constructor(action: string, what: string) {
    super('ECLOSED', `${action} "${what}": already closed`);
  }
}

/** A connection that ended before a request was answered. A retry makes a new one. */
export class ConnectionLostError extends VtError {
  constructor(what: string, found: string, options: VtErrorOptions = {}) {
    super('EFAILED', `ask "${what}": ${found}`, options);
  }
}

/** A connection on which a request timed out. A retry would wait as long. */
export class SilentPeerError extends ConnectionLostError {}

/** A new connection reached another process of the server. Data that the earlier process had not made durable may be lost. */
export class LostAddsError extends ConnectionLostError {}

/** A command line that cannot be understood. */
export class UsageError extends VtError {
  constructor(message: string, options: VtErrorOptions = {}) {
    super('EUSAGE', message, options);
  }
}

/** Throws ECANCELLED if the signal has fired. */
export function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new VtError('ECANCELLED', 'cancelled', { cause: signal.reason });
}
