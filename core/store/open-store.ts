import { join, resolve } from 'node:path';
import { ParseError } from '../base/errors.ts';
import type { HashName } from '../block/hash.ts';
import { HASH_NAMES } from '../block/hash.ts';
import { openDatadir } from './datadir.ts';
import { isPythonDatadir } from './datadir-recovery.ts';
import { MemoryStore } from './memory.ts';
import { PythonDatadir } from './python-datadir.ts';
import type { Store } from './store.ts';

/** What a Store specification says. */
export type StoreSpecification =
  | { readonly kind: 'default' }
  | { readonly kind: 'datadir'; readonly path: string; readonly hashName?: HashName }
  | { readonly kind: 'memory'; readonly maxBytes?: number; readonly hashName?: HashName };

/** What opening a Store takes from outside. */
export interface OpenStoreEnvironment {
  /** The folder of the default Store: `$XDG_DATA_HOME/vtftp/store`. It is made on first use. */
  readonly defaultStorePath: string;
  /** The folder of caches: `$XDG_CACHE_HOME/vtftp`. */
  readonly cachePath: string;
  /** What `~` stands for; without it, itself. */
  readonly homePath?: string;
  readonly clock?: () => Date;
  readonly onNotice?: (notice: string) => void;
  readonly readOnly?: boolean;
  /** Make a datadir that is not there. */
  readonly create?: boolean;
  /** Hash function of a Store that is made. */
  readonly hashName?: HashName;
}

const SCHEMES = ['datadir', 'memory'] as const;

/**
 * Parses a Store specification: `default`, `datadir:PATH`, a bare path, `memory:` or `memory:BYTES`.
 * `?hash=NAME` may follow.
 *
 * @throws {ParseError} which names the column
 */
export function parseStoreSpecification(text: string): StoreSpecification {
  if (text === '') throw new ParseError('read Store specification: it is empty', 0);
  if (text === 'default') return { kind: 'default' };
  const scheme = /^([a-zA-Z][a-zA-Z0-9+-]*):/.exec(text)?.[1];
  if (scheme === undefined) return { kind: 'datadir', path: text };
  const start = scheme.length + 1;
  const query = text.indexOf('?', start);
  const body = query < 0 ? text.slice(start) : text.slice(start, query);
  const hash = query < 0 ? {} : parseQuery(text, query + 1);
  switch (scheme) {
    case 'datadir':
      if (body === '') throw new ParseError('read Store specification: expected a path after "datadir:"', start);
      return { kind: 'datadir', path: body, ...hash };
    case 'memory':
      if (body === '') return { kind: 'memory', ...hash };
      if (!/^[0-9]{1,15}$/.test(body)) throw new ParseError(`read Store specification: expected a number of octets, got "${body}"`, start);
      return { kind: 'memory', maxBytes: Number(body), ...hash };
    default:
      throw new ParseError(`read Store specification: unknown kind of Store "${scheme}"`, 0, {
        remedy: `use one of ${SCHEMES.map((name) => `${name}:`).join(', ')} or a path (./${text} if that is one)`,
      });
  }
}

function parseQuery(text: string, start: number): { hashName?: HashName } {
  let hashName: HashName | undefined;
  let at = start;
  for (const item of text.slice(start).split('&')) {
    const [name = '', value = ''] = item.split('=', 2);
    if (name !== 'hash') throw new ParseError(`read Store specification: unknown parameter "${name}"`, at);
    hashName = HASH_NAMES.find((known) => known === value);
    if (hashName === undefined) {
      throw new ParseError(`read Store specification: expected one of ${HASH_NAMES.join(', ')}, got "${value}"`, at + name.length + 1);
    }
    at += item.length + 1;
  }
  return hashName === undefined ? {} : { hashName };
}

/**
 * Opens a Store by its specification.
 *
 * @throws {ParseError} for a specification that cannot be read, {VtError} EOPEN for a Store that cannot be opened
 */
export async function openStore(specification: string, environment: OpenStoreEnvironment): Promise<Store> {
  const parsed = parseStoreSpecification(specification);
  const hashName = parsed.kind === 'default' ? environment.hashName : (parsed.hashName ?? environment.hashName);
  const hash = hashName === undefined ? {} : { hashName };
  switch (parsed.kind) {
    case 'memory':
      return new MemoryStore({ ...hash, ...(parsed.maxBytes === undefined ? {} : { maxBytes: parsed.maxBytes }) });
    case 'default':
      return openDatadir(environment.defaultStorePath, { ...environment, ...hash, create: environment.readOnly !== true });
    case 'datadir': {
      const path = expandHome(parsed.path, environment.homePath);
      if (!isPythonDatadir(path)) return openDatadir(path, { ...environment, ...hash });
      const { cachePath, onNotice } = environment;
      return new PythonDatadir(resolve(path), { cachePath, onNotice, hashName: parsed.hashName });
    }
  }
}

function expandHome(path: string, home: string | undefined): string {
  if (home === undefined) return path;
  return path === '~' || path.startsWith('~/') ? join(home, path.slice(1)) : path;
}
