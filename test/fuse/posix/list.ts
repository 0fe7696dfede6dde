import { CHMOD_CASES, CHOWN_CASES, TIME_CASES, XATTR_CASES } from './cases/attributes.ts';
import { CONTENT_CASES, LISTING_CASES, OPEN_CASES } from './cases/files.ts';
import { MAKING_CASES } from './cases/making.ts';
import { NAME_CASES } from './cases/names.ts';
import { PATH_CASES } from './cases/paths.ts';
import { RENAME_CASES } from './cases/renames.ts';
import type { PosixCase } from './checks.ts';

/** Every case, by what it is about. */
export const POSIX_CASES: Readonly<Record<string, readonly PosixCase[]>> = {
  paths: PATH_CASES,
  'new nodes': MAKING_CASES,
  names: NAME_CASES,
  rename: RENAME_CASES,
  chmod: CHMOD_CASES,
  chown: CHOWN_CASES,
  times: TIME_CASES,
  xattrs: XATTR_CASES,
  open: OPEN_CASES,
  content: CONTENT_CASES,
  listings: LISTING_CASES,
};
