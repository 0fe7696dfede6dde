import type { Octets } from '../../base/octets.ts';
import { octetsToTextStrict } from '../../base/octets.ts';
import type { Dirent, IndirectDirent } from '../../dirent/dirent.ts';
import type { Meta } from '../../dirent/meta.ts';
import { defaultMode } from '../../dirent/meta.ts';

// The pax interchange format of POSIX.1-2024, pax(1): headers of ustar, with extended headers where a value does not fit.

/** Bytes of a header, and what contents are padded to. */
export const TAR_BLOCK = 512;

/** What a tar can hold. A socket is left out, as tar(1) does. */
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

/** The largest values of fields of 7, and of 11, octal digits. */
const MAX_SHORT = 0o7777777;
const MAX_LONG = 0o77777777777;
const NAME_SIZE = 100;
const OWNER_SIZE = 31;

export interface TarMember {
  /** Without a slash at its start; that of a Dir has one at its end. */
  readonly path: Octets;
  readonly node: TarNode;
  /** The member whose content this one has too. */
  readonly linkTo?: Octets | undefined;
}

/** The header of a member, with its extended header if it needs one: a multiple of 512 bytes. Its size depends on nothing but the member. */
export function tarHeader(member: TarMember): Buffer {
  const { path, node, linkTo } = member;
  const { meta } = node;
  const flag = linkTo !== undefined ? LINK_FLAG : node.kind === 'socket' ? TYPE_FLAGS.file : TYPE_FLAGS[node.kind];
  const mode = meta.mode ?? defaultMode(node.kind);
  const own = ustarHeader({ path, flag, target: targetOf(member), size: contentSize(member), mode, seconds: secondsOf(meta), meta });
  const records = extendedRecords(member);
  if (records.size === 0) return own;
  const extended = Buffer.concat([...records].map(([key, value]) => paxRecord(key, value)));
  const name = `PaxHeaders/${path}`.slice(0, NAME_SIZE) as Octets;
  const before = ustarHeader({
    path: name,
    flag: EXTENDED_FLAG,
    target: '' as Octets,
    size: extended.length,
    mode: 0o644,
    seconds: 0n,
    meta: {},
  });
  return Buffer.concat([before, extended, Buffer.alloc(padding(extended.length)), own]);
}

/** Bytes of {@link tarHeader}, without making it. */
export function tarHeaderSize(member: TarMember): number {
  const records = extendedRecords(member);
  if (records.size === 0) return TAR_BLOCK;
  let size = 0;
  for (const [key, value] of records) size += paxRecordSize(key, value);
  return 2 * TAR_BLOCK + size + padding(size);
}

/** What does not fit into a header of ustar, by its keys. */
function extendedRecords(member: TarMember): ReadonlyMap<string, string | Uint8Array> {
  const { path, node } = member;
  const { meta } = node;
  const target = targetOf(member);
  const size = contentSize(member);
  const seconds = secondsOf(meta);
  const records = new Map<string, string | Uint8Array>();
  const names = [path, target, meta.user ?? '', meta.group ?? ''] as Octets[];
  if (names.some((name) => !isPlain(name) && octetsToTextStrict(name) === undefined)) records.set('hdrcharset', 'BINARY');
  if (!fits(path, NAME_SIZE)) records.set('path', path);
  if (!fits(target, NAME_SIZE)) records.set('linkpath', target);
  if (size > MAX_LONG) records.set('size', String(size));
  if ((meta.uid ?? 0) > MAX_SHORT) records.set('uid', String(meta.uid));
  if ((meta.gid ?? 0) > MAX_SHORT) records.set('gid', String(meta.gid));
  if (!fits(meta.user ?? ('' as Octets), OWNER_SIZE)) records.set('uname', meta.user ?? '');
  if (!fits(meta.group ?? ('' as Octets), OWNER_SIZE)) records.set('gname', meta.group ?? '');
  if (meta.mtimeNs !== undefined && (seconds < 0n || seconds > BigInt(MAX_LONG) || meta.mtimeNs % 1_000_000_000n !== 0n))
    records.set('mtime', secondsText(meta.mtimeNs));
  for (const [name, value] of meta.xattrs ?? []) if (!/[=\n]/.test(name)) records.set(`SCHILY.xattr.${name}`, value);
  return records;
}

function targetOf({ node, linkTo }: TarMember): Octets {
  return linkTo ?? (node.kind === 'symlink' ? node.target : ('' as Octets));
}

function secondsOf({ mtimeNs }: Meta): bigint {
  return mtimeNs === undefined ? 0n : floorSeconds(mtimeNs);
}

/** Bytes of content that follow a member's header. */
export function contentSize({ node, linkTo }: TarMember): number {
  return node.kind === 'file' && linkTo === undefined ? node.block.span : 0;
}

/** Bytes up to the next multiple of 512. */
export function padding(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK;
}

/** A ustar header holds ASCII alone: what else it holds is left out there. */
function fits(text: Octets, size: number): boolean {
  return text.length <= size && isPlain(text);
}

function isPlain(text: Octets): boolean {
  return /^[ -~]*$/.test(text);
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

function ustarHeader({ path, flag, target, size, mode, seconds, meta }: UstarFields): Buffer {
  const header = Buffer.alloc(TAR_BLOCK);
  const text = (at: number, value: Octets, room: number): void => void header.write(value.slice(0, room), at, 'latin1');
  const number = (at: number, value: number, digits: number): void =>
    void header.write(`${value.toString(8).padStart(digits, '0')}\0`, at, 'latin1');
  text(0, path, NAME_SIZE);
  number(100, mode, 7);
  number(108, Math.min(meta.uid ?? 0, MAX_SHORT), 7);
  number(116, Math.min(meta.gid ?? 0, MAX_SHORT), 7);
  number(124, Math.min(size, MAX_LONG), 11);
  number(136, Number(seconds < 0n ? 0n : seconds > BigInt(MAX_LONG) ? BigInt(MAX_LONG) : seconds), 11);
  header.fill(0x20, 148, 156);
  text(156, flag as Octets, 1);
  text(157, target, NAME_SIZE);
  header.write('ustar\x0000', 257, 'latin1');
  text(265, meta.user ?? ('' as Octets), OWNER_SIZE);
  text(297, meta.group ?? ('' as Octets), OWNER_SIZE);
  number(329, meta.rdev?.major ?? 0, 7);
  number(337, meta.rdev?.minor ?? 0, 7);
  let sum = 0;
  for (let i = 0; i < TAR_BLOCK; i++) sum += header[i] as number;
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}

/** `LENGTH KEY=VALUE\n`, the length counting its own digits. */
function paxRecord(key: string, value: string | Uint8Array): Buffer {
  const record = Buffer.allocUnsafe(paxRecordSize(key, value));
  const at = record.write(`${record.length} ${key}=`, 'latin1');
  if (typeof value === 'string') record.write(value, at, 'latin1');
  else record.set(value, at);
  record[record.length - 1] = 0x0a;
  return record;
}

/** Bytes of {@link paxRecord}. Keys and values are bytes, a character each. */
function paxRecordSize(key: string, value: string | Uint8Array): number {
  const rest = key.length + value.length + 3;
  let size = rest + 1;
  while (String(size).length + rest !== size) size = String(size).length + rest;
  return size;
}

function floorSeconds(ns: bigint): bigint {
  const whole = ns / 1_000_000_000n;
  return ns < 0n && ns % 1_000_000_000n !== 0n ? whole - 1n : whole;
}

function secondsText(ns: bigint): string {
  const [sign, size] = ns < 0n ? ['-', -ns] : ['', ns];
  const fraction = (size % 1_000_000_000n).toString().padStart(9, '0').replace(/0+$/, '');
  return `${sign}${size / 1_000_000_000n}${fraction === '' ? '' : `.${fraction}`}`;
}
