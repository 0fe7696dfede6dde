import { ParseError } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { octetsFromText } from '../../base/octets.ts';
import { TextReader } from '../../base/text-reader.ts';
import type { DirentKind } from '../dirent.ts';
import type { Meta } from '../meta.ts';
import { defaultMode } from '../meta.ts';
import { readTime } from '../time-codec.ts';
import { sortedXattrs } from '../xattrs-codec.ts';

// The metadata of the Python vt. @see vt(5), "The Python vt"

/** Converted metadata of a Python Dirent, and the fields of the Dirent that the Python vt stores in it. */
export interface PythonMeta {
  readonly meta: Meta;
  /** The target of a symlink. */
  readonly target?: Octets;
  /** Of a root, the text of the Dir with its hard-linked nodes. */
  readonly inodesText?: string;
}

/** The items of Python metadata, unconverted. */
export interface PythonMetaItems {
  owner?: string | number;
  group?: string | number;
  acl?: string;
  mtimeNs?: bigint;
  setuid?: boolean;
  setgid?: boolean;
  pathref?: Octets;
  xattrs?: ReadonlyMap<Octets, Uint8Array>;
  inodesText?: string;
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Converts the Python vt's metadata to ours. */
export function fromPythonMeta(items: PythonMetaItems, kind: DirentKind): PythonMeta {
  const meta: Writable<Meta> = {};
  const permissions = items.acl === undefined ? undefined : permissionsOfAcl(items.acl);
  const special = (items.setuid === true ? 0o4000 : 0) | (items.setgid === true ? 0o2000 : 0);
  if (permissions !== undefined || special !== 0) meta.mode = (permissions ?? defaultMode(kind)) | special;
  // The compact form does not distinguish numbers from names of owners. Only digits means a number.
  const uid = ownerNumber(items.owner);
  const gid = ownerNumber(items.group);
  if (uid !== undefined) meta.uid = uid;
  else if (typeof items.owner === 'string') meta.user = octetsFromText(items.owner);
  if (gid !== undefined) meta.gid = gid;
  else if (typeof items.group === 'string') meta.group = octetsFromText(items.group);
  if (items.mtimeNs !== undefined) meta.mtimeNs = items.mtimeNs;
  if (items.xattrs !== undefined && items.xattrs.size > 0) meta.xattrs = new Map(sortedXattrs(items.xattrs));
  return {
    meta,
    ...(kind === 'symlink' && items.pathref !== undefined ? { target: items.pathref } : {}),
    ...(items.inodesText === undefined || items.inodesText === '' ? {} : { inodesText: items.inodesText }),
  };
}

function ownerNumber(owner: string | number | undefined): number | undefined {
  const number = typeof owner === 'string' && /^\d{1,10}$/.test(owner) ? Number(owner) : owner;
  return typeof number === 'number' && number <= 2 ** 32 - 1 ? number : undefined;
}

const AUDIENCE_SHIFT: Readonly<Record<string, number>> = { o: 6, g: 3, '*': 0 };
const PERMISSION: Readonly<Record<string, number>> = { r: 4, w: 2, x: 1 };

/**
 * Decodes permissions in the form `audience:allow-deny,…`. Undefined if only the owner is named: the Python vt writes that if it does not
 * know the permissions.
 */
function permissionsOfAcl(acl: string): number | undefined {
  const entries = acl.split(',');
  if (!entries.some((entry) => entry.startsWith('g:') || entry.startsWith('*:'))) return undefined;
  let mode = 0;
  for (const entry of entries) {
    const [, audience = '', allow = ''] = /^([og*]):([rwx]*)-[rwx]*$/.exec(entry) ?? [];
    const shift = AUDIENCE_SHIFT[audience];
    if (shift === undefined) continue;
    for (const letter of allow) mode |= (PERMISSION[letter] ?? 0) << shift;
  }
  return mode;
}

/** Parses the metadata of a binary Dirent: `k:v;k:v`, or JSON if it starts with `{`. Unknown keys are ignored. */
export function parsePythonMeta(text: string, kind: DirentKind): PythonMeta {
  return fromPythonMeta(text.startsWith('{') ? itemsOfJson(text) : itemsOfCompact(text), kind);
}

function itemsOfCompact(text: string): PythonMetaItems {
  const items: PythonMetaItems = {};
  let offset = 0;
  for (const part of text === '' ? [] : text.split(';')) {
    const colon = part.indexOf(':');
    if (colon < 0) throw new ParseError('decode Python Meta: expected key:value', offset);
    const value = part.slice(colon + 1);
    switch (part.slice(0, colon)) {
      case 'u':
        items.owner = value;
        break;
      case 'g':
        items.group = value;
        break;
      case 'a':
        items.acl = value;
        break;
      case 'm':
        items.mtimeNs = secondsText(value, offset + colon + 1);
        break;
      case 'su':
        items.setuid = isTrue(value);
        break;
      case 'sg':
        items.setgid = isTrue(value);
        break;
    }
    offset += part.length + 1;
  }
  return items;
}

function secondsText(text: string, at: number): bigint {
  const reader = new TextReader(text, 0, at);
  const timeNs = readTime(reader);
  reader.end();
  return timeNs;
}

/** Whether a boolean of the Python vt is true: `True`, `1` or true. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 1 || value === '1' || value === 'True';
}

function itemsOfJson(text: string): PythonMetaItems {
  return itemsOfJsonObject(parseJsonObject(text, 0), 0);
}

/** Parses a JSON object. @param at - its offset in the whole, for errors @throws {ParseError} if it is not an object */
export function parseJsonObject(text: string, at: number): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new ParseError('decode Python Meta: broken JSON', at, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new ParseError('decode Python Meta: expected a JSON object', at);
  return value as Readonly<Record<string, unknown>>;
}

function itemsOfJsonObject(object: Readonly<Record<string, unknown>>, at: number): PythonMetaItems {
  const items: PythonMetaItems = {};
  const { u, g, a, m, su, sg, pathref, x, fs_inode_dirents: inodes } = object;
  if (typeof u === 'string' || typeof u === 'number') items.owner = u;
  if (typeof g === 'string' || typeof g === 'number') items.group = g;
  if (typeof a === 'string') items.acl = a;
  // A double represents microseconds of realistic times exactly, and the Python vt stores no more.
  if (typeof m === 'number') items.mtimeNs = microsecondsNs(m, at);
  items.setuid = isTrue(su);
  items.setgid = isTrue(sg);
  if (typeof pathref === 'string') items.pathref = octetsFromPython(pathref, at);
  if (x !== undefined) items.xattrs = xattrsOfJson(x, at);
  if (typeof inodes === 'string') items.inodesText = inodes;
  return items;
}

function microsecondsNs(seconds: number, at: number): bigint {
  const microseconds = Math.round(seconds * 1e6);
  if (!Number.isSafeInteger(microseconds)) throw new ParseError(`decode Python Meta: mtime ${seconds}`, at);
  return BigInt(microseconds) * 1000n;
}

/** Decodes extended attributes: strings with one character per byte. @throws {ParseError} for other values */
export function xattrsOfJson(value: unknown, at: number): ReadonlyMap<Octets, Uint8Array> {
  const xattrs = new Map<Octets, Uint8Array>();
  if (typeof value !== 'object' || value === null) throw new ParseError('decode Python Meta: xattrs that are no object', at);
  for (const [name, octets] of Object.entries(value)) {
    if (typeof octets !== 'string' || /[^\0-\xff]/.test(octets) || name === '') {
      throw new ParseError('decode Python Meta: an xattr that is no string of bytes', at);
    }
    xattrs.set(octetsFromPython(name, at), new Uint8Array(Buffer.from(octets, 'latin1')));
  }
  return xattrs;
}

/** Encodes a Python string in UTF-8. Lone surrogates U+DC80..U+DCFF become the bytes that Python could not decode. */
export function octetsFromPython(text: string, at: number): Octets {
  if (!/\p{Surrogate}/u.test(text)) return octetsFromText(text);
  let out = '';
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    if (code >= 0xdc80 && code <= 0xdcff) out += String.fromCharCode(code - 0xdc00);
    else if (code >= 0xd800 && code <= 0xdfff) throw new ParseError('decode Python Meta: lone surrogate', at);
    else out += octetsFromText(char);
  }
  return out as Octets;
}
