import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';

// Filesystems differ in the nodes, names and attributes that they support, and in the errors for others. FAT and exFAT refuse a symlink
// with EPERM, EINVAL or ENOSYS, a FIFO with EPERM or EIO, and a colon in a name with EINVAL or ENOENT.

const CANNOT: readonly (string | undefined)[] = ['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EIO'];
const NOT_SUPPORTED: readonly (string | undefined)[] = ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];
const BAD_NAME: readonly (string | undefined)[] = ['EINVAL', 'ENOENT', 'EILSEQ', 'EIO'];

/** Matches names that filesystems of other systems may refuse. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
const ODD_NAME = /[\x00-\x1f"*:<>?\\|]|[. ]$/;

const PLURALS = { symlink: 'symlinks', fifo: 'FIFOs', socket: 'sockets', char: 'devices', block: 'devices' } as const;

/**
 * Explains the error of a node that could not be made, if its filesystem does not support such nodes. Returns any other error unchanged.
 *
 * @param isPrivileged - whether this process may make devices
 */
export function nodeError(error: unknown, kind: keyof typeof PLURALS, isPrivileged: boolean): unknown {
  const code = errorCode(error);
  const isDevice = kind === 'char' || kind === 'block';
  if (!CANNOT.includes(code) || (isDevice && !isPrivileged && code === 'EPERM')) return error;
  return new VtError('EFAILED', `write: this filesystem cannot hold ${PLURALS[kind]}`, { cause: error });
}

/** Explains the error of a path, if its filesystem may not support its last name. Returns any other error unchanged. */
export function nameError(error: unknown, name: Octets): unknown {
  const code = errorCode(error);
  if (error instanceof VtError || !BAD_NAME.includes(code)) return error;
  const isText = octetsToTextStrict(name) !== undefined;
  if (isText && !ODD_NAME.test(name)) return error;
  const why = isText ? '' : ': it is not UTF-8';
  return new VtError('EFAILED', `write: this filesystem cannot hold the name "${octetsToText(name)}"${why}`, { cause: error });
}

/** The kind of attributes that a filesystem does not support, from the error of setting one; undefined for other failures. */
export function lackingAttribute(what: string, error: unknown, isRoot: boolean): string | undefined {
  const code = errorCode(error);
  const [, namespace] = /^(?:xattr )?([^. ]+)\./.exec(what) ?? [];
  if (namespace !== undefined) return NOT_SUPPORTED.includes(code) ? `attributes of ${namespace}.*` : undefined;
  const isLacking = NOT_SUPPORTED.includes(code) || (isRoot && code === 'EPERM');
  if (!isLacking) return undefined;
  return what === 'owner' ? 'owners' : what === 'mode' ? 'modes' : undefined;
}
