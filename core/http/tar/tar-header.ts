import type { Octets } from '../../base/octets.ts';
import { octetsToTextStrict } from '../../base/octets.ts';
import type { Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import { defaultMode } from '../../dirent/meta.ts';

// Headers of tar members in the pax interchange format of POSIX.1-2024, pax(1): ustar headers, with extended headers for values that do not
// fit.

/** Bytes of a header; contents are padded to multiples of it. */
export const TAR_BLOCK = 512;

/** The nodes that a tar can hold. Sockets are left out, as in tar(1). */
export type TarNode = Exclude<Dirent, IndirectDirent>;

const TYPE_FLAGS: Readonly<Record<Exclude<TarNode['kind'], 'socket'>, string>> = {
  file: '0',
  symlink: '2',
  char: '3',
  block: '4',
  dir: '5',
  fifo: '6',
};
const LINK_FLAG = '1';
const EXTENDED_FLAG = 'x';

/** The largest values of fields with 7 and 11 octal digits. */
const MAX_SHORT = 0o7777777;
const MAX_LONG = 0o77777777777;
const NAME_SIZE = 100;
const OWNER_SIZE = 31;

const NS_OF_SECOND = 1_000_000_000n;
const NONE = '' as Octets;
const NO_RECORDS: ReadonlyMap<string, string | Uint8Array> = new Map();

export interface TarMember {
  /** Without a slash at its start; a Dir's has one at its end. */
  readonly path: Octets;
  readonly node: TarNode;
  /** For a hard link: the path of the member that has the content. */
  readonly linkTo?: Octets | undefined;
}

/** Bytes of a member's header, with its extended header if it needs one: a multiple of 512. They depend on nothing but the member. */
export function tarHeaderSize(member: TarMember): number {
  const records = extendedRecords(member);
  if (records.size === 0) return TAR_BLOCK;
  const size = recordsSize(records);
  return 2 * TAR_BLOCK + size + padding(size);
}

/** Writes a member's header into {@link tarHeaderSize} bytes of `target`, from `at` on. */
export function writeTarHeader(member: TarMember, target: Buffer, at: number): void {
  const { path, node, linkTo } = member;
  const { meta } = node;
  const flag = linkTo !== undefined ? LINK_FLAG : node.kind === 'socket' ? TYPE_FLAGS.file : TYPE_FLAGS[node.kind];
  const mode = meta.mode ?? defaultMode(node.kind);
  const own = { path, flag, target: targetOf(member), size: contentSize(member), mode, seconds: secondsOf(meta), meta };
  const records = extendedRecords(member);
  if (records.size === 0) {
    writeUstarHeader(own, target, at);
    return;
  }
  const size = recordsSize(records);
  const name = `PaxHeaders/${path}`.slice(0, NAME_SIZE) as Octets;
  const before = { path: name, flag: EXTENDED_FLAG, target: NONE, size, mode: 0o644, seconds: 0n, meta: {} };
  writeUstarHeader(before, target, at);
  let end = at + TAR_BLOCK;
  for (const [key, value] of records) end = writePaxRecord(key, value, target, end);
  target.fill(0, end, end + padding(size));
  writeUstarHeader(own, target, end + padding(size));
}

/** Whether a header of ustar holds all of a member. */
function fitsUstar(member: TarMember): boolean {
  const { path, node } = member;
  const { uid = 0, gid = 0, user = NONE, group = NONE, mtimeNs, xattrs } = node.meta;
  return (
    fits(path, NAME_SIZE) &&
    fits(targetOf(member), NAME_SIZE) &&
    contentSize(member) <= MAX_LONG &&
    uid <= MAX_SHORT &&
    gid <= MAX_SHORT &&
    fits(user, OWNER_SIZE) &&
    fits(group, OWNER_SIZE) &&
    (mtimeNs === undefined || fitsTime(mtimeNs)) &&
    (xattrs === undefined || xattrs.size === 0)
  );
}

/** A ustar header holds whole seconds, from 1970 on. */
function fitsTime(ns: bigint): boolean {
  const seconds = ns / NS_OF_SECOND;
  return ns >= 0n && seconds * NS_OF_SECOND === ns && seconds <= BigInt(MAX_LONG);
}

/** The values that do not fit into a ustar header, by key. */
function extendedRecords(member: TarMember): ReadonlyMap<string, string | Uint8Array> {
  if (fitsUstar(member)) return NO_RECORDS;
  const { path, node } = member;
  const { meta } = node;
  const target = targetOf(member);
  const size = contentSize(member);
  const records = new Map<string, string | Uint8Array>();
  const { user = NONE, group = NONE } = meta;
  const names = [path, target, user, group];
  if (names.some((name) => !isPlain(name) && octetsToTextStrict(name) === undefined)) records.set('hdrcharset', 'BINARY');
  if (!fits(path, NAME_SIZE)) records.set('path', path);
  if (!fits(target, NAME_SIZE)) records.set('linkpath', target);
  if (size > MAX_LONG) records.set('size', String(size));
  if ((meta.uid ?? 0) > MAX_SHORT) records.set('uid', String(meta.uid));
  if ((meta.gid ?? 0) > MAX_SHORT) records.set('gid', String(meta.gid));
  if (!fits(user, OWNER_SIZE)) records.set('uname', user);
  if (!fits(group, OWNER_SIZE)) records.set('gname', group);
  if (meta.mtimeNs !== undefined && !fitsTime(meta.mtimeNs)) records.set('mtime', secondsText(meta.mtimeNs));
  for (const [name, value] of meta.xattrs ?? []) if (!/[=\n]/.test(name)) records.set(`SCHILY.xattr.${name}`, value);
  return records;
}

function targetOf({ node, linkTo }: TarMember): Octets {
  return linkTo ?? (node.kind === 'symlink' ? node.target : NONE);
}

function secondsOf({ mtimeNs }: Meta): bigint {
  return mtimeNs === undefined ? 0n : floorSeconds(mtimeNs);
}

/** Bytes of content after a member's header. */
export function contentSize({ node, linkTo }: TarMember): number {
  return node.kind === 'file' && linkTo === undefined ? node.block.span : 0;
}

/** Bytes of padding to the next multiple of 512. */
export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/** Whether a text fits into a field of a ustar header, which takes only ASCII. */
function fits(text: Octets, size: number): boolean {
  return text.length <= size && isPlain(text);
}

function isPlain(text: Octets): boolean {
  for (let i = 0; i < text.length; i++) {
    const octet = text.charCodeAt(i);
    if (octet < 0x20 || octet > 0x7e) return false;
  }
  return true;
}

interface UstarFields {
  readonly path: Octets;
  readonly flag: string;
  readonly target: Octets;
  readonly size: number;
  readonly mode: number;
  readonly seconds: bigint;
  readonly meta: Meta;
}

function writeUstarHeader({ path, flag, target: linkTarget, size, mode, seconds, meta }: UstarFields, target: Buffer, at: number): void {
  const { uid = 0, gid = 0, user = NONE, group = NONE, rdev } = meta;
  target.fill(0, at, at + TAR_BLOCK);
  writeText(target, at, path, NAME_SIZE);
  writeOctal(target, at + 100, mode, 7);
  writeOctal(target, at + 108, Math.min(uid, MAX_SHORT), 7);
  writeOctal(target, at + 116, Math.min(gid, MAX_SHORT), 7);
  writeOctal(target, at + 124, Math.min(size, MAX_LONG), 11);
  writeOctal(target, at + 136, Math.min(Math.max(Number(seconds), 0), MAX_LONG), 11);
  target.fill(0x20, at + 148, at + 156);
  writeText(target, at + 156, flag as Octets, 1);
  writeText(target, at + 157, linkTarget, NAME_SIZE);
  writeText(target, at + 257, 'ustar\x0000' as Octets, 8);
  writeText(target, at + 265, user, OWNER_SIZE);
  writeText(target, at + 297, group, OWNER_SIZE);
  writeOctal(target, at + 329, rdev?.major ?? 0, 7);
  writeOctal(target, at + 337, rdev?.minor ?? 0, 7);
  let sum = 0;
  for (let i = at; i < at + TAR_BLOCK; i++) sum += target[i] as number;
  writeOctal(target, at + 148, sum, 6);
}

/** The first `room` bytes of a text. Most are short: a call of the buffer's own method takes longer. */
function writeText(target: Buffer, at: number, text: Octets, room: number): void {
  const length = Math.min(text.length, room);
  for (let i = 0; i < length; i++) target[at + i] = text.charCodeAt(i);
}

/** So many octal digits, and NUL. */
function writeOctal(target: Buffer, at: number, value: number, digits: number): void {
  let left = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const rest = Math.floor(left / 8);
    target[i] = 0x30 + left - 8 * rest;
    left = rest;
  }
  target[at + digits] = 0;
}

function recordsSize(records: ReadonlyMap<string, string | Uint8Array>): number {
  let size = 0;
  for (const [key, value] of records) size += paxRecordSize(key, value);
  return size;
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. @returns the byte after it */
function writePaxRecord(key: string, value: string | Uint8Array, target: Buffer, at: number): number {
  const size = paxRecordSize(key, value);
  const valueAt = at + target.write(`${size} ${key}=`, at, 'latin1');
  if (typeof value === 'string') target.write(value, valueAt, 'latin1');
  else target.set(value, valueAt);
  target[at + size - 1] = 0x0a;
  return at + size;
}

/** Bytes of a record. Keys and values are bytes, a character each. */
function paxRecordSize(key: string, value: string | Uint8Array): number {
  const rest = key.length + value.length + 3;
  let size = rest + 1;
  while (String(size).length + rest !== size) size = String(size).length + rest;
  return size;
}

function floorSeconds(ns: bigint): bigint {
  const whole = ns / NS_OF_SECOND;
  return ns < 0n && ns % NS_OF_SECOND !== 0n ? whole - 1n : whole;
}

function secondsText(ns: bigint): string {
  const [sign, size] = ns < 0n ? ['-', -ns] : ['', ns];
  const fraction = (size % NS_OF_SECOND).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${size / NS_OF_SECOND}${fraction === '' ? '' : `.${fraction}`}`;
}
