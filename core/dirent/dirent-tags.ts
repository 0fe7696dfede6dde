import type { DirentKind } from './dirent.ts';

// Constants of the binary Dirent. They never change. @see vt(5), "Dirents"

/** First byte of a Dirent record's body: `v`. */
export const DIRENT_MAGIC = 0x76;

/** First byte of a salt record's body, in a Dir: `s`. */
export const SALT_MAGIC = 0x73;

/** Minimum bytes of salt. */
export const MIN_SALT_SIZE = 8;

/** Second byte of a Dirent record's body. */
export const DIRENT_VERSION = 1;

/** Kinds; the index is the encoded number. */
export const DIRENT_KINDS: readonly DirentKind[] = ['file', 'dir', 'symlink', 'indirect', 'fifo', 'socket', 'char', 'block'];

/** Fields with lower tags are critical: a reader refuses a Dirent with an unknown one. Unknown fields from this tag on are kept. */
export const FIRST_OPTIONAL_TAG = 64;

/** Tags of the fields. */
export const TAG = {
  name: 1,
  block: 2,
  uuid: 3,
  inodes: 4,
  prev: 5,
  target: 6,
  rdev: 7,
  xattrs: 8,
  salt: 9,
  mode: 64,
  uid: 65,
  gid: 66,
  user: 67,
  group: 68,
  mtime: 69,
  ctime: 70,
  btime: 71,
  nlink: 72,
  links: 73,
} as const;

/** The first optional tag that this version does not know. */
export const FIRST_UNKNOWN_TAG = 74;

/** A Dirent has at most this many fields: their count is one byte. */
export const MAX_FIELDS = 255;
