import type { Octets } from '../base/octets.ts';

/** An rsync temporary name: `.NAME.XXXXXX`, the six letters being those of mkstemp(3). */
const RSYNC_TEMPORARY = /^\.(.+)\.[A-Za-z0-9]{6}$/s;

/** The last extension of a name that is more than its extension. */
const EXTENSION = /^.+?(\.[^.]+)$/s;

/**
 * The name that a file goes by: of `.foo.ext.XXXXXX`, under which rsync writes a file before it renames it, `foo.ext`. A name of
 * that form is taken as temporary only if it leaves a name with an extension, since `.config.backup` is an ordinary one.
 */
export function intendedName(name: Octets): Octets {
  const inner = RSYNC_TEMPORARY.exec(name)?.[1];
  return inner !== undefined && EXTENSION.test(inner) ? (inner as Octets) : name;
}

/**
 * The extension that says what a file's syntax is, in lower case with its dot, or undefined: `.tar` of `a.TAR`, `.ext` of rsync's
 * `.foo.ext.XXXXXX`. A leading dot alone makes no extension.
 */
export function sniffName(name: Octets): string | undefined {
  return EXTENSION.exec(intendedName(name))?.[1]?.toLowerCase();
}
