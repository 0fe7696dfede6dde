import { ParseError, PathError, type PathErrorName, ReadOnlyError, VtError, type VtErrorCode } from '../../core/base/errors.ts';
import { type Octets, octetsFromBytes, octetsFromText, octetsToBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import { TextReader } from '../../core/base/text-reader.ts';
import type { Dirent, IndirectDirent } from '../../core/dirent/dirent.ts';
import { formatDirent, parseDirent } from '../../core/dirent/dirent-text.ts';
import type { Meta } from '../../core/dirent/meta.ts';
import { formatMeta, readMetaItems } from '../../core/dirent/meta-text.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { MetaChange, TreeEntry } from '../../core/tree/tree.ts';

// How the JSON of the control channel represents values of a tree. @see vt(7), "CONTROL CHANNEL"

/** One request or answer: a line of JSON. */
export type Fields = Readonly<Record<string, unknown>>;

/** Octets as a string. Octets that are not valid UTF-8 are also given in base64, which then takes precedence. */
export function octetsField(field: string, octets: Octets): Fields {
  const text = octetsToTextStrict(octets);
  if (text !== undefined) return { [field]: text };
  return { [field]: octetsToText(octets), [`${field}_b64`]: octetsToBytes(octets).toString('base64') };
}

/** Reads octets. @throws {ParseError} if the field is not a string */
export function takeOctets(fields: Fields, field: string): Octets {
  const coded = fields[`${field}_b64`];
  return typeof coded === 'string' ? octetsFromBytes(Buffer.from(coded, 'base64')) : octetsFromText(takeText(fields, field));
}

/**
 * Reads a path of a tree: absolute, without empty elements, `.` and `..`.
 *
 * @throws {ParseError} for anything else
 */
export function takePath(fields: Fields, field = 'path'): TreePath {
  const path = takeOctets(fields, field);
  const isPlain = path === '/' || (path.startsWith('/') && path.slice(1).split('/').every(isElement));
  if (!isPlain) throw new ParseError(`"${field}" has to be an absolute path without empty elements, "." and ".."`, 0);
  return path;
}

function isElement(name: string): boolean {
  return name !== '' && name !== '.' && name !== '..' && !name.includes('\0');
}

/** Reads a string. @throws {ParseError} if the field is not a string */
export function takeText(fields: Fields, field: string): string {
  const value = fields[field];
  if (typeof value !== 'string') throw new ParseError(`"${field}" has to be a text`, 0);
  return value;
}

/** Reads an optional count. @throws {ParseError} if the field is present but is not a whole number of 0 or more */
export function takeCount(fields: Fields, field: string): number | undefined {
  const value = fields[field];
  if (value === undefined) return undefined;
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0) throw new ParseError(`"${field}" has to be a number`, 0);
  return value;
}

/** Reads a time in nanoseconds since 1970. @throws {ParseError} if the field is not a string of up to 20 digits */
export function takeNanoseconds(fields: Fields, field: string): bigint {
  const text = takeText(fields, field);
  if (!/^-?\d{1,20}$/.test(text)) throw new ParseError(`"${field}" is "${text}"`, 0);
  return BigInt(text);
}

/** Reads a list of strings. @throws {ParseError} for anything else */
export function takeTexts(fields: Fields, field: string): readonly string[] {
  const value: unknown = fields[field] ?? [];
  if (!Array.isArray(value) || !value.every((each) => typeof each === 'string'))
    throw new ParseError(`"${field}" has to be a list of texts`, 0);
  return value as string[];
}

/** Reads the Dirent of a node. @throws {ParseError} for anything else */
export function takeDirent(fields: Fields): Exclude<Dirent, IndirectDirent> {
  const dirent = parseDirent(takeText(fields, 'dirent'));
  if (dirent.kind === 'indirect') throw new ParseError('"dirent" names a hard link without its node', 0);
  return dirent;
}

/** The fields of a node in answers to `lookup` and `list`. */
export function entryFields({ dirent, size, nlink, id, isStale }: TreeEntry): Fields {
  return { dirent: formatDirent(dirent), size, nlink, ...(isStale === true ? { stale: true } : {}), ino: id };
}

/** Reads the fields of a node. @param path - path of the node */
export function takeEntry(fields: Fields, path: TreePath, name: Octets): TreeEntry {
  const [size, nlink, id] = [takeCount(fields, 'size') ?? 0, takeCount(fields, 'nlink') ?? 1, takeCount(fields, 'ino') ?? 0];
  const stale = fields['stale'] === true ? { isStale: true } : {};
  return { path, name, dirent: takeDirent(fields), size, nlink, ...stale, id };
}

/** Metadata in its text form. */
export function metaField(meta: Meta): Fields {
  return { meta: formatMeta(meta) ?? 'M{}' };
}

/** Reads metadata from its text form. @throws {ParseError} for anything else */
export function takeMeta(fields: Fields): Meta {
  const reader = new TextReader(takeText(fields, 'meta'));
  reader.expect('M{');
  const meta = readMetaItems(reader);
  reader.end();
  return meta;
}

/** The metadata that a change sets, and the names of the metadata that it drops. */
export function metaChangeFields(change: MetaChange): Fields {
  const entries = Object.entries(change);
  const set = Object.fromEntries(entries.filter(([, value]) => value !== null && value !== undefined)) as Meta;
  return { ...metaField(set), drop: entries.filter(([, value]) => value === null).map(([key]) => key) };
}

const META_KEYS: ReadonlySet<string> = new Set<keyof Meta>([
  'mode',
  'uid',
  'gid',
  'user',
  'group',
  'mtimeNs',
  'ctimeNs',
  'btimeNs',
  'rdev',
  'xattrs',
]);

/** Reads a change of metadata. @throws {ParseError} for a name that is not metadata */
export function takeMetaChange(fields: Fields): MetaChange {
  const dropped = takeTexts(fields, 'drop').map((key) => {
    if (!META_KEYS.has(key)) throw new ParseError(`"drop" names "${key}", which is not metadata`, 0);
    return [key, null] as const;
  });
  return { ...takeMeta(fields), ...Object.fromEntries(dropped) };
}

/** The fields that report an error. */
export function errorFields(error: unknown): Fields {
  const code = error instanceof VtError ? error.code : 'EFAILED';
  return {
    error: errorText(error),
    code,
    ...(error instanceof PathError ? { errno: error.errno, ...octetsField('at', error.octets) } : {}),
    ...(error instanceof VtError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  };
}

/** The error that an answer reports; undefined if the request succeeded. */
export function takeError(fields: Fields): VtError | undefined {
  const { error, code, errno, at, remedy } = fields;
  if (typeof error !== 'string') return undefined;
  const options = typeof remedy === 'string' ? { remedy } : {};
  if (typeof errno === 'string' && typeof at === 'string') {
    const action = error.slice(0, Math.max(0, error.indexOf(` "${at}"`)));
    return new PathError(errno as PathErrorName, action, takeOctets(fields, 'at'), options);
  }
  if (code === 'EREADONLY') {
    const [, action, what] = /^(.*) "(.*)": read-only$/s.exec(error) ?? [];
    if (action !== undefined && what !== undefined) return new ReadOnlyError(action, what, options);
  }
  return new VtError(typeof code === 'string' ? (code as VtErrorCode) : 'EFAILED', error, options);
}
