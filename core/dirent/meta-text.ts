import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToBytes } from '../base/octets.ts';
import type { TextReader } from '../base/text-reader.ts';
import { formatObject, formatQuoted } from '../base/text-writer.ts';
import type { Meta } from './meta.ts';
import { formatTime, readTime } from './time-codec.ts';
import { MAX_XATTRS, sortedXattrs } from './xattrs-codec.ts';

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

/** Formats metadata: `M{mode:0644,uid:0,…}`; undefined if it is empty. @see vt(5), "Text" */
export function formatMeta(meta: Meta): string | undefined {
  const text = formatObject('M', [
    ['mode', meta.mode === undefined ? undefined : formatMode(meta.mode)],
    ['uid', meta.uid?.toString()],
    ['gid', meta.gid?.toString()],
    ['user', meta.user === undefined ? undefined : formatQuoted(meta.user)],
    ['group', meta.group === undefined ? undefined : formatQuoted(meta.group)],
    ['mtime', meta.mtimeNs === undefined ? undefined : formatTime(meta.mtimeNs)],
    ['ctime', meta.ctimeNs === undefined ? undefined : formatTime(meta.ctimeNs)],
    ['btime', meta.btimeNs === undefined ? undefined : formatTime(meta.btimeNs)],
    ['rdev', meta.rdev === undefined ? undefined : `${meta.rdev.major}:${meta.rdev.minor}`],
    ['xattrs', meta.xattrs === undefined || meta.xattrs.size === 0 ? undefined : formatXattrs(meta.xattrs)],
  ]);
  return text === 'M{}' ? undefined : text;
}

/** Formats a mode in octal with a leading 0 and at least four digits: `0644`, `04755`. */
export function formatMode(mode: number): string {
  return `0${mode.toString(8).padStart(3, '0')}`;
}

function formatXattrs(xattrs: ReadonlyMap<Octets, Uint8Array>): string {
  return `{${sortedXattrs(xattrs)
    .map(([name, value]) => `${formatQuoted(name)}:${formatQuoted(octetsFromBytes(value))}`)
    .join(',')}}`;
}

/** Reads the items of `M{…}` after its `{`, including the `}`. @throws {ParseError} if they are malformed */
export function readMetaItems(reader: TextReader): Meta {
  const meta: Writable<Meta> = {};
  reader.items((ident) => {
    switch (ident) {
      case 'mode':
        meta.mode = readMode(reader);
        break;
      case 'uid':
      case 'gid':
        meta[ident] = readUnsigned32(reader, ident);
        break;
      case 'user':
      case 'group':
        meta[ident] = reader.quoted();
        break;
      case 'mtime':
      case 'ctime':
      case 'btime':
        meta[`${ident}Ns`] = readTime(reader);
        break;
      case 'rdev': {
        const major = readUnsigned32(reader, 'a major device number');
        reader.expect(':');
        meta.rdev = { major, minor: readUnsigned32(reader, 'a minor device number') };
        break;
      }
      case 'xattrs':
        meta.xattrs = readXattrs(reader);
        break;
      default:
        return false;
    }
    return true;
  });
  return meta;
}

function readMode(reader: TextReader): number {
  const start = reader.offset;
  const mode = Number.parseInt(reader.require(/0[0-7]{1,6}(?!\d)/y, 'a mode in octal with a leading 0'), 8);
  if (mode > 0o7777) throw reader.error('a mode beyond 07777', start);
  return mode;
}

function readUnsigned32(reader: TextReader, what: string): number {
  const start = reader.offset;
  const value = reader.unsigned(what);
  if (value > 2 ** 32 - 1) throw reader.error(`${what} beyond 2^32 - 1`, start);
  return value;
}

function readXattrs(reader: TextReader): ReadonlyMap<Octets, Uint8Array> {
  const xattrs = new Map<Octets, Uint8Array>();
  reader.expect('{');
  do {
    const start = reader.offset;
    const name = reader.quoted();
    if (name === '' || xattrs.has(name)) throw reader.error('an xattr name that is empty or stands twice', start);
    if (xattrs.size >= MAX_XATTRS) throw reader.error(`more than ${MAX_XATTRS} xattrs`, start);
    reader.expect(':');
    xattrs.set(name, new Uint8Array(octetsToBytes(reader.quoted())));
  } while (reader.accept(','));
  reader.expect('}');
  return new Map(sortedXattrs(xattrs));
}
