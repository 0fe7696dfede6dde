import { ParseError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToTextStrict } from '../base/octets.ts';
import { TextReader } from '../base/text-reader.ts';
import type { HashCode } from '../block/hashcode.ts';
import { direntNameFault } from '../dirent/dirent-fields.ts';
import type { VtUri } from '../dirent/uri.ts';
import { parseUri } from '../dirent/uri.ts';
import { parseBlockName, parseBlockNames } from './block-content.ts';
import type { Share, SharedPath } from './share-link.ts';

/** The meaning of a URL path. @see vt(7), "HTTP" */
export type Route =
  | { readonly kind: 'home' | 'store' | 'status' | 'metrics' }
  | { readonly kind: 'block' | 'contents'; readonly hashcode: HashCode }
  | { readonly kind: 'records'; readonly hashcodes: readonly HashCode[] }
  /** The target for new records. */
  | { readonly kind: 'new records' }
  /** A file that pages use. */
  | { readonly kind: 'page file'; readonly name: string }
  /** `/d/REFERENCE/path` */
  | { readonly kind: 'tree'; readonly base: string; readonly uri: VtUri }
  /** `/archive/NAME[@STATE]/path` */
  | {
      readonly kind: 'archive';
      readonly base: string;
      readonly name: string;
      readonly state: string | undefined;
      readonly names: readonly Octets[];
      readonly isDir: boolean;
    }
  /** `/share/LINK[@STATE]/path` */
  | {
      readonly kind: 'share';
      readonly base: string;
      readonly share: Share;
      readonly link: string;
      readonly state: string | undefined;
      readonly names: readonly Octets[];
      readonly isDir: boolean;
    };

/**
 * Parses the path of a URL, still encoded.
 *
 * @returns undefined for an unknown path
 * @throws {ParseError} for an invalid path: a percent sign without digits, `..`, a NUL, an unreadable reference
 */
export function parseRoute(path: string): Route | undefined {
  if (path === '/') return { kind: 'home' };
  if (path === '/store') return { kind: 'store' };
  if (path === '/status') return { kind: 'status' };
  if (path === '/metrics') return { kind: 'metrics' };
  const [, room = '', rest = ''] = /^\/(h|i|r|d|archive|page)\/(.*)$/s.exec(path) ?? [];
  switch (room) {
    case 'h':
    case 'i': {
      const hashcode = parseBlockName(rest);
      return hashcode === undefined ? undefined : { kind: room === 'h' ? 'block' : 'contents', hashcode };
    }
    case 'r': {
      if (rest === '') return { kind: 'new records' };
      const hashcodes = parseBlockNames(rest);
      return hashcodes === undefined ? undefined : { kind: 'records', hashcodes };
    }
    case 'd': {
      const uri = parseUri(`x-vt:/${rest}`);
      return { kind: 'tree', base: baseOf(path, uri), uri };
    }
    case 'archive':
      return parseArchive(rest);
    case 'page':
      return { kind: 'page file', name: rest };
    default:
      return undefined;
  }
}

/** The URL path of the tree: the path without the names below the tree. */
function baseOf(path: string, uri: VtUri): string {
  const names = uri.path.split('/').length - 1;
  const parts = (uri.isDir ? path.slice(0, -1) : path).split('/');
  return `${parts.slice(0, parts.length - names).join('/')}/`;
}

/** The route of a shared link. @throws {ParseError} as {@link parseRoute} */
export function shareRoute({ share, link, state, rest }: SharedPath): Route | undefined {
  const spec = state === undefined ? undefined : octetsToTextStrict(decodeSegment(state));
  if (state !== undefined && spec === undefined) return undefined;
  const base = `${link}${state === undefined ? '' : `@${state}`}/`;
  return { kind: 'share', base, share, link, state: spec, ...namesIn(rest?.split('/') ?? []) };
}

function parseArchive(rest: string): Route | undefined {
  const [first = '', ...below] = rest.split('/');
  // An @ in a name is written as %40.
  const at = first.lastIndexOf('@');
  const name = octetsToTextStrict(decodeSegment(at > 0 ? first.slice(0, at) : first));
  const state = at > 0 ? octetsToTextStrict(decodeSegment(first.slice(at + 1))) : undefined;
  if (name === undefined || name === '' || (at > 0 && state === undefined)) return undefined;
  return {
    kind: 'archive',
    base: `/archive/${first}/`,
    name,
    state,
    ...namesIn(below),
  };
}

/** The names of a path; a final slash makes it a Dir. */
function namesIn(parts: readonly string[]): { readonly names: readonly Octets[]; readonly isDir: boolean } {
  const isDir = parts.at(-1) === '';
  const names = (isDir ? parts.slice(0, -1) : parts).map(decodeSegment);
  for (const element of names) {
    const fault = element === '' ? 'an empty path element' : direntNameFault(element);
    if (fault !== undefined) throw new ParseError(`read URL: ${fault}`, 0);
  }
  return { names, isDir };
}

function decodeSegment(raw: string): Octets {
  const bad = /[^!-~]|[?#]|%(?![\da-fA-F]{2})/.exec(raw);
  if (bad !== null) throw new TextReader(raw, bad.index).error(`"${bad[0]}" in a URL must be written as %XX`);
  return raw.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))) as Octets;
}

/** Parses the query of a URL to keys and values; a key without a value has ''. */
export function parseQuery(text: string): ReadonlyMap<string, string> {
  try {
    return new Map(new URLSearchParams(text));
  } catch (error) {
    throw new VtError('EPARSE', 'read URL: its query cannot be read', { cause: error });
  }
}
