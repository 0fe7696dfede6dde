import type { TextReader } from '../../base/text-reader.ts';
import type { DirentKind } from '../dirent.ts';
import { readTime } from '../time-codec.ts';
import type { PythonMeta, PythonMetaItems } from './meta.ts';
import { fromPythonMeta, isTrue, parseJsonObject, xattrsOfJson } from './meta.ts';

// Metadata in the Python vt's text: `M{a:"o:rw-x",m:1577934245.678901,…}`. Its item names differ from ours.

const ITEM = /(?:u|g|a|m|c|su|sg|pathref|x|fs_inode_dirents):/y;

/** Whether an item of the Python vt's metadata is at the reader's position. */
export function atPythonMeta(reader: TextReader): boolean {
  ITEM.lastIndex = reader.offset;
  return ITEM.test(reader.text);
}

/** Reads the items of `M{…}` after its `{`, including the `}`. @throws {ParseError} if they are malformed */
export function readPythonMetaItems(reader: TextReader, kind: DirentKind): PythonMeta {
  const items: PythonMetaItems = {};
  reader.items((ident) => {
    switch (ident) {
      case 'u':
        items.owner = readOwner(reader);
        break;
      case 'g':
        items.group = readOwner(reader);
        break;
      case 'a':
        items.acl = reader.quoted();
        break;
      case 'm':
        items.mtimeNs = readTime(reader);
        break;
      case 'c':
        readTime(reader);
        break;
      case 'su':
        items.setuid = readBoolean(reader);
        break;
      case 'sg':
        items.setgid = readBoolean(reader);
        break;
      case 'pathref':
        items.pathref = reader.quoted();
        break;
      case 'x':
        items.xattrs = readXattrs(reader);
        break;
      case 'fs_inode_dirents':
        items.inodesText = reader.quoted();
        break;
      default:
        return false;
    }
    return true;
  });
  return fromPythonMeta(items, kind);
}

function readOwner(reader: TextReader): string | number {
  if (!reader.startsWith('"') && !reader.startsWith("'")) return reader.unsigned('an owner');
  return Buffer.from(reader.quoted(), 'latin1').toString('utf8');
}

function readBoolean(reader: TextReader): boolean {
  return reader.startsWith('"') ? isTrue(reader.quoted()) : isTrue(reader.require(/[01]|True|False/y, 'a boolean'));
}

/** Reads a JSON object of strings, which has inner braces only in strings. */
function readXattrs(reader: TextReader): ReturnType<typeof xattrsOfJson> {
  const start = reader.offset;
  const json = reader.require(/\{[^"{}]*(?:"[^"\\]*(?:\\.[^"\\]*)*"[^"{}]*)*\}/y, 'a JSON object');
  return xattrsOfJson(parseJsonObject(json, reader.at + start), reader.at + start);
}
