import type { Octets } from '../base/octets.ts';
import { octetsFromBytes, octetsToBytes } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import { formatObject, formatQuoted } from '../base/text-writer.ts';
import { formatUuid, readUuid } from '../base/uuid.ts';
import type { Block } from '../block/block.ts';
import { formatBlock, readBlock } from '../block/block-text.ts';
import type { Dirent, DirentKind, UnknownField } from './dirent.ts';
import type { DirentFields } from './dirent-fields.ts';
import { assembleDirent } from './dirent-fields.ts';
import { FIRST_UNKNOWN_TAG } from './dirent-tags.ts';
import { formatMeta, readMetaItems } from './meta-text.ts';
import { atPythonMeta, readPythonMetaItems } from './python-vt/meta-text.ts';

// Dirents as text: one line of printable ASCII. @see vt(5), "Text"

const PREFIXES: Readonly<Record<DirentKind, string>> = {
  file: 'F',
  dir: 'D',
  symlink: 'SymLink',
  indirect: 'Indirect',
  fifo: 'Fifo',
  socket: 'Socket',
  char: 'Char',
  block: 'Block',
};

const KINDS_BY_PREFIX = new Map<string, DirentKind>(Object.entries(PREFIXES).map(([kind, prefix]) => [prefix, kind as DirentKind]));

/** Maximum nesting. A Python root contains the text of its inode table, which contains none itself. */
const MAX_DEPTH = 2;

/** Formats a Dirent as text that {@link parseDirent} reads back. */
export function formatDirent(dirent: Dirent): string {
  const dir = dirent.kind === 'dir' ? dirent : undefined;
  return formatObject(PREFIXES[dirent.kind], [
    ['name', dirent.name === '' ? undefined : formatQuoted(dirent.name)],
    ['uuid', dirent.uuid === undefined ? undefined : formatUuid(dirent.uuid)],
    ['meta', formatMeta(dirent.meta)],
    ['target', dirent.kind === 'symlink' ? formatQuoted(dirent.target) : undefined],
    ['block', dirent.kind === 'file' || dirent.kind === 'dir' ? formatBlock(dirent.block) : undefined],
    ['inodes', optionalBlock(dir?.inodes)],
    ['links', dir?.links === 0 ? undefined : dir?.links?.toString()],
    ['salt', dir?.salt === undefined ? undefined : formatQuoted(octetsFromBytes(dir.salt))],
    ['nlink', dirent.nlink?.toString()],
    ['prev', optionalBlock(dirent.prev)],
    ...(dirent.unknown ?? []).map(({ tag, value }) => [`x${tag}`, formatQuoted(octetsFromBytes(value))] as const),
  ]);
}

function optionalBlock(block: Block | undefined): string | undefined {
  return block === undefined ? undefined : formatBlock(block);
}

/**
 * Parses the text of a Dirent: ours or the Python vt's.
 *
 * @throws {ParseError} for any other text, and if text follows the Dirent
 */
export function parseDirent(text: string): Dirent {
  const reader = new TextReader(text);
  const dirent = readDirent(reader);
  reader.end();
  return dirent;
}

/** Whether a Dirent seems to start at the reader's position. */
export function atDirent(reader: TextReader): boolean {
  for (const prefix of KINDS_BY_PREFIX.keys()) if (reader.startsWith(`${prefix}{`)) return true;
  return false;
}

/** Reads the text of a Dirent at the reader's position. @throws {ParseError} if there is none */
export function readDirent(reader: TextReader): Dirent {
  return readAt(reader, 0);
}

function readAt(reader: TextReader, depth: number): Dirent {
  const start = reader.offset;
  if (depth > MAX_DEPTH) throw reader.error('too many Dirents within each other');
  const kind = KINDS_BY_PREFIX.get(reader.match(/[A-Za-z]+/y) ?? '');
  if (kind === undefined || !reader.accept('{'))
    throw reader.error(`expected a Dirent, found ${JSON.stringify(reader.text.slice(start, start + 12))}`, start);
  const fields: DirentFields = {};
  const unknown: UnknownField[] = [];
  readLeadingName(reader, fields, depth);
  reader.items((ident) => {
    if (ident === 'meta') readMeta(reader, kind, fields, depth);
    else if (!readField(reader, ident, fields)) {
      const tag = /^x([1-9]\d{1,14})$/.exec(ident)?.[1];
      if (tag === undefined || Number(tag) < FIRST_UNKNOWN_TAG) return false;
      unknown.push({ tag: Number(tag), value: new Uint8Array(octetsToBytes(reader.quoted())) });
    }
    return true;
  });
  unknown.sort((a, b) => a.tag - b.tag);
  return assembleDirent(kind, { ...fields, unknown }, (what) => reader.error(what, start));
}

/** Reads the name that the Python vt writes first, without `name:`: `F{"name":meta:…}`. For a packed path it prints the path as name. */
function readLeadingName(reader: TextReader, fields: DirentFields, depth: number): void {
  if (!reader.startsWith('"') && !reader.startsWith("'")) return;
  const quoted = reader.quoted();
  const name = depth === 0 ? lastName(quoted) : quoted;
  if (name !== '.') fields.name = name;
  if (!reader.startsWith('}')) reader.expect(':');
}

function lastName(path: Octets): Octets {
  let end = path.length;
  while (end > 0 && path[end - 1] === '/') end--;
  return path.slice(path.lastIndexOf('/', end - 1) + 1, end) as Octets;
}

function readMeta(reader: TextReader, kind: DirentKind, fields: DirentFields, depth: number): void {
  reader.expect('M{');
  if (!atPythonMeta(reader)) {
    fields.meta = readMetaItems(reader);
    return;
  }
  const python = readPythonMetaItems(reader, kind);
  fields.meta = python.meta;
  if (python.target !== undefined) fields.target = python.target;
  if (python.inodesText === undefined) return;
  const inner = new TextReader(python.inodesText);
  const inodes = pythonInodes(readAt(inner, depth + 1));
  inner.end();
  if (inodes !== undefined) fields.inodes = inodes;
}

/** The Block of a Python root's inode table, from the table's Dirent; undefined if the table is empty. */
export function pythonInodes(table: Dirent): Block | undefined {
  return table.kind === 'dir' && table.block.span !== 0 ? table.block : undefined;
}

function readField(reader: TextReader, ident: string, fields: DirentFields): boolean {
  switch (ident) {
    case 'name':
      if (fields.name !== undefined) throw reader.error('a name twice');
      fields.name = reader.quoted();
      break;
    case 'uuid':
      fields.uuid = readUuid(reader);
      break;
    case 'target':
      fields.target = reader.quoted();
      break;
    case 'block':
    case 'inodes':
      fields[ident] = readBlock(reader);
      break;
    case 'prev':
    case 'prev_dirent_blockref':
      fields.prev = readBlock(reader);
      break;
    case 'links':
    case 'nlink':
      fields[ident] = reader.unsigned(ident);
      break;
    case 'salt':
      fields.salt = new Uint8Array(octetsToBytes(reader.quoted()));
      break;
    default:
      return false;
  }
  return true;
}
