import type { Octets } from '../base/octets.ts';

/** A temporary name of rsync: `.NAME.XXXXXX`, with six characters from mkstemp(3). */
const RSYNC_TEMPORARY = /^\.(.+)\.[A-Za-z0-9]{6}$/s;

/** The last extension of a name that does not consist of the extension only. */
const EXTENSION = /^.+?(\.[^.]+)$/s;

/**
 * The final name of a file. rsync writes `foo.ext` under the temporary name `.foo.ext.XXXXXX`. A name of that form is only taken as
 * temporary
 * if the final name has an extension, since names such as `.config.backup` are ordinary.
 */
export function intendedName(name: Octets): Octets {
  const inner = RSYNC_TEMPORARY.exec(name)?.[1];
  return inner !== undefined && EXTENSION.test(inner) ? (inner as Octets) : name;
}

/**
 * The extension of a file name, in lower case with its dot: `.tar` for `a.TAR`, `.ext` for rsync's `.foo.ext.XXXXXX`. Undefined if there is
 * none. A leading dot does not begin an extension.
 */
export function sniffName(name: Octets): string | undefined {
  return EXTENSION.exec(intendedName(name))?.[1]?.toLowerCase();
}
