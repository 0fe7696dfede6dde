import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText, octetsToTextStrict } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';

// Filesystems differ in what they can hold, and in how they say that they cannot. FAT and exFAT answer a symlink with
// EPERM, EINVAL or ENOSYS, a FIFO with EPERM or EIO. They answer a colon in a name with EINVAL or ENOENT.

const CANNOT: readonly (string | undefined)[] = ['EPERM', 'EINVAL', 'ENOSYS', 'ENOTSUP', 'EOPNOTSUPP', 'EIO'];
const NOT_SUPPORTED: readonly (string | undefined)[] = ['ENOSYS', 'ENOTSUP', 'EOPNOTSUPP'];
const BAD_NAME: readonly (string | undefined)[] = ['EINVAL', 'ENOENT', 'EILSEQ', 'EIO'];

/** What the filesystems of other systems refuse in names. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what is meant
const ODD_NAME = /[\x00-\x1f"*:<>?\\|]|[. ]$/;

const PLURALS = { symlink: 'symlinks', fifo: 'FIFOs', socket: 'sockets', char: 'devices', block: 'devices' } as const;

/**
 * The error of a node that could not be made, in the terms of what its filesystem cannot hold; as it is where it is none of these.
 *
 * @param isPrivileged - whether this process may make devices
 */
export function nodeError(error: unknown, kind: keyof typeof PLURALS, isPrivileged: boolean): unknown {
  const code = errorCode(error);
  const isDevice = kind === 'char' || kind === 'block';
  if (!CANNOT.includes(code) || (isDevice && !isPrivileged && code === 'EPERM')) return error;
  return new VtError('EFAILED', `write: this filesystem cannot hold ${PLURALS[kind]}`, { cause: error });
}

/** The error of a path whose last name its filesystem may not take. */
export function nameError(error: unknown, name: Octets): unknown {
  const code = errorCode(error);
  if (error instanceof VtError || !BAD_NAME.includes(code)) return error;
  const isText = octetsToTextStrict(name) !== undefined;
  if (isText && !ODD_NAME.test(name)) return error;
  const why = isText ? '' : ': it is not UTF-8';
  return new VtError('EFAILED', `write: this filesystem cannot hold the name "${octetsToText(name)}"${why}`, { cause: error });
}

/** What of nodes a filesystem cannot hold, by the attribute that could not be set; undefined where it is another failure. */
export function lackingAttribute(what: string, error: unknown, isRoot: boolean): string | undefined {
  const code = errorCode(error);
  const [, namespace] = /^(?:xattr )?([^. ]+)\./.exec(what) ?? [];
  if (namespace !== undefined) return NOT_SUPPORTED.includes(code) ? `attributes of ${namespace}.*` : undefined;
  const isLacking = NOT_SUPPORTED.includes(code) || (isRoot && code === 'EPERM');
  if (!isLacking) return undefined;
  return what === 'owner' ? 'owners' : what === 'mode' ? 'modes' : undefined;
}
