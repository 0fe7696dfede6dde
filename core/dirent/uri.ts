import type { Octets } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import type { Block } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import { formatBlock } from '../block/block-text.ts';
import { readHashcodeLabel } from '../block/hashcode-text.ts';
import { direntNameFault } from './dirent-fields.ts';
import { formatDirent } from './dirent-text.ts';
import { skipBraces, URI_SCHEME } from './reference-skip.ts';
import type { TextReference } from './reference-text.ts';
import { readReference } from './reference-text.ts';

// `x-vt:[//host[:port]]/reference/path…` @see vt(5), "URIs"

/** The reference from which a URI's path starts. */
export type UriTarget =
  | TextReference
  /** A Block whose bytes are one encoded Dirent: the Python vt's `d` and `f`. */
  | { readonly kind: 'stored-dirent'; readonly block: Block };

/** A parsed URI: a tree, a path in it, and perhaps the host that has it. */
export interface VtUri {
  /** A host name or address, without brackets. */
  readonly host?: string;
  /** 1..65535 */
  readonly port?: number;
  readonly target: UriTarget;
  /** The path below the target: empty or `/a/b`. */
  readonly path: Octets;
  /** It ends in `/`, so a Dir is meant. */
  readonly isDir: boolean;
}

/**
 * Formats a URI. Characters other than letters, digits and `-._~,:=@+` become `%XX`. @throws {RangeError} for a stored Dirent that is not
 * hashed
 */
export function formatUri(uri: VtUri): string {
  const host = uri.host === undefined ? undefined : uri.host.includes(':') ? `[${uri.host}]` : uri.host;
  const authority = host === undefined ? '' : `//${host}${uri.port === undefined ? '' : `:${uri.port}`}`;
  const reference = formatTarget(uri.target);
  const path = uri.path.split('/').map(percentEncode).join('/');
  return `${URI_SCHEME}${authority}/${reference}${path}${uri.isDir ? '/' : ''}`;
}

function formatTarget(target: UriTarget): string {
  switch (target.kind) {
    case 'dirent':
      return percentEncode(formatDirent(target.dirent));
    case 'block':
      return percentEncode(formatBlock(target.block));
    case 'stored-dirent': {
      const inner = target.block.kind === 'indirect' ? target.block.refs : target.block;
      if (inner.kind !== 'hash') throw new RangeError(`format URI: expected a stored Dirent, got a ${inner.kind} Block`);
      const { hashName, digest } = inner.hashcode;
      return `d/${target.block.kind === 'indirect' ? 'i' : 'h'}/${hashName}:${Buffer.from(digest).toString('hex')}`;
    }
  }
}

function percentEncode(octets: string): string {
  return octets.replace(/[^A-Za-z0-9\-._~,:=@+]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`);
}

/**
 * Parses a URI: ours, or the Python vt's `x-vt://[network]/[d/|f/]{h|i}/name:hex[/file name][/]`. A reference in braces need not be
 * percent-encoded.
 *
 * @throws {ParseError} for any other text
 */
export function parseUri(text: string): VtUri {
  const reader = new TextReader(text);
  reader.expect(URI_SCHEME);
  const authority = reader.accept('//') ? readAuthority(reader) : {};
  reader.expect('/');
  const stored = reader.match(/[df]\/(?=[hi]\/)/y);
  const how = reader.match(/[hi]\//y);
  if (how !== undefined) return { ...authority, ...readPythonTarget(reader, stored !== undefined, how === 'i/') };
  const target = readTarget(reader);
  return { ...authority, target, ...readPath(reader) };
}

function readAuthority(reader: TextReader): Pick<VtUri, 'host' | 'port'> {
  const address = reader.match(/\[[\da-fA-F:.]+\]/y);
  const host = address?.slice(1, -1) ?? reader.match(/[A-Za-z0-9\-._~]+/y);
  if (host === undefined) return {};
  const portAt = reader.offset + 1;
  if (!reader.accept(':')) return { host };
  const port = reader.unsigned('a port');
  if (port < 1 || port > 65535) throw reader.error(`port ${port}`, portAt);
  return { host, port };
}

function readTarget(reader: TextReader): TextReference {
  const start = reader.offset;
  const rawEnd = skipBraces(reader.text, start);
  if (rawEnd !== undefined) {
    const target = readReference(reader);
    if (!reader.ended && !reader.startsWith('/')) throw reader.error(`expected "/" or the end, found ${reader.here()}`);
    return target;
  }
  const inner = new TextReader(readSegment(reader), 0, start);
  const target = readReference(inner);
  inner.end();
  return target;
}

/** Reads a path segment, and decodes its `%XX`. */
function readSegment(reader: TextReader): Octets {
  const start = reader.offset;
  const raw = reader.match(/[!-~]+?(?=\/|[^!-~]|$)/y) ?? '';
  const bad = /[?#]|%(?![\da-fA-F]{2})/.exec(raw);
  if (bad !== null) throw reader.error(`"${bad[0]}" in a URI must be written as %XX`, start + bad.index);
  if (!reader.ended && !reader.startsWith('/')) throw reader.error(`expected printable ASCII, found ${reader.here()}`);
  return raw.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Octets;
}

function readPath(reader: TextReader): Pick<VtUri, 'path' | 'isDir'> {
  let path = '';
  while (reader.accept('/')) {
    if (reader.ended) return { path: path as Octets, isDir: true };
    const start = reader.offset;
    const name = readSegment(reader);
    const fault = name === '' ? 'an empty path element' : direntNameFault(name);
    if (fault !== undefined) throw reader.error(fault, start);
    path += `/${name}`;
  }
  reader.end();
  return { path: path as Octets, isDir: false };
}

function readPythonTarget(reader: TextReader, isStoredDirent: boolean, isIndirect: boolean): Pick<VtUri, 'target' | 'path' | 'isDir'> {
  const hash = { kind: 'hash', span: UNKNOWN_SPAN, hashcode: readHashcodeLabel(reader) } as const;
  const block: Block = isIndirect ? { kind: 'indirect', span: UNKNOWN_SPAN, refs: hash } : hash;
  const { path, isDir } = readPath(reader);
  if (isStoredDirent) return { target: { kind: 'stored-dirent', block }, path: '' as Octets, isDir };
  // The text after the hashcode is the name of the file or Dir, not a path in it.
  const name = path.slice(path.lastIndexOf('/') + 1) as Octets;
  return { target: { kind: 'dirent', dirent: { kind: isDir ? 'dir' : 'file', name, meta: {}, block } }, path: '' as Octets, isDir };
}
