import { isAbsolute, join } from 'node:path';
import { VtError } from '../../core/base/errors.ts';
import { parseIni } from '../../core/base/ini-text.ts';
import { parseStoreClause, parseStoreSpecification } from '../../core/openers/open-store.ts';
import type { StoreForm, StoreSpecification } from '../../core/openers/specification.ts';
import { SpecificationError } from '../../core/openers/specification.ts';
import type { Configuration } from './configuration.ts';
import { noClause } from './configuration.ts';

/** The clause with settings for all others; its name is the Python vt's. */
const GLOBAL = 'GLOBAL';
const GLOBAL_NAMES = ['basedir', 'blockmapdir'];
/** Types whose default folder is the one below `basedir` with their clause's name. */
const FOLDER_TYPES = ['datadir', 'filecache'];

/** `$HOME` and `${HOME}` where a path begins. */
const VARIABLE = /(?:^|[:=,(|])\$(?:[A-Za-z_]|\{)/;

type Clause = ReadonlyMap<string, string>;

/**
 * Reads the text of a configuration: clauses of a `store = SPECIFICATION`, or of a `type` and the parameters of that
 * type. A clause is checked when its Store is requested, so that an error in one does not affect others.
 *
 * @param file - for messages
 * @throws {VtError} EUSAGE for a line that is not a setting of a clause
 */
export function parseConfiguration(text: string, file: string): Configuration {
  const clauses = new Map<string, Clause>();
  collect(parseIni(text), [], clauses, text, file);
  const global = clauses.get(GLOBAL) ?? new Map<string, string>();
  clauses.delete(GLOBAL);
  for (const name of global.keys()) {
    if (GLOBAL_NAMES.includes(name)) continue;
    throw wrong(file, lineOf(text, GLOBAL, name), `unknown setting "${name}" of [${GLOBAL}]`, `use ${GLOBAL_NAMES.join(' or ')}`);
  }
  const clause = (name: string): StoreSpecification => {
    const found = clauses.get(name) ?? noClause(file, name, [...clauses.keys()]);
    return clauseStore(name, found, global.get('basedir'), text, file);
  };
  return {
    file,
    names: [...clauses.keys()],
    clause,
    defaultStore: clauses.has('default') ? { kind: 'clause', clause: 'default' } : undefined,
  };
}

/** Collects clauses from the parser's result, in which a dot in a name makes a nested clause. */
function collect(
  parsed: Readonly<Record<string, unknown>>,
  path: readonly string[],
  clauses: Map<string, Clause>,
  text: string,
  file: string,
): void {
  const settings = new Map<string, string>();
  const clause = path.join('.');
  for (const [name, value] of Object.entries(parsed)) {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
      collect(value as Record<string, unknown>, [...path, name], clauses, text, file);
    } else if (path.length === 0) {
      throw wrong(file, lineOf(text, undefined, name), `"${name}" stands before the first [CLAUSE]`, 'write [NAME] on a line above it');
    } else if (typeof value !== 'string') {
      throw wrong(file, lineOf(text, clause, name), `expected NAME = VALUE, found "${name}"`, 'quote a value that is true, false or null');
    } else if (VARIABLE.test(value)) {
      throw wrong(
        file,
        lineOf(text, clause, name),
        `${name} = ${value}: variables are not replaced`,
        'write the path itself, or ~ for $HOME',
      );
    } else settings.set(name, value);
  }
  if (path.length > 0 && (settings.size > 0 || Object.keys(parsed).length === 0)) clauses.set(clause, settings);
}

function clauseStore(name: string, clause: Clause, basedir: string | undefined, text: string, file: string): StoreSpecification {
  const store = clause.get('store');
  const type = clause.get('type');
  const place = (key: string): number => lineOf(text, name, key);
  const onError = (key: string, error: unknown): Error =>
    error instanceof SpecificationError
      ? wrong(
          file,
          place(key),
          `${key} = ${clause.get(key) ?? ''}: ${error.what}, at column ${error.offset + 1} of the value`,
          error.remedy,
          error,
        )
      : error instanceof Error
        ? error
        : new Error(String(error));
  if (store !== undefined) {
    const other = [...clause.keys()].find((key) => key !== 'store');
    if (other !== undefined)
      throw wrong(file, place(other), `[${name}] has store = and "${other}"`, 'use either store =, or type = with parameters');
    try {
      return parseStoreSpecification(store);
    } catch (error) {
      throw onError('store', error);
    }
  }
  if (type === undefined)
    throw wrong(file, lineOf(text, name, undefined), `[${name}] names no Store`, 'add store = SPECIFICATION, or type = and its parameters');
  const entries = new Map([...clause].filter(([key]) => key !== 'type'));
  if (basedir !== undefined && FOLDER_TYPES.includes(type) && !entries.has('path')) entries.set('path', name);
  const form = parseStoreClause(type, entries, onError);
  return basedir === undefined ? form : below(basedir, form);
}

function below(basedir: string, form: StoreForm): StoreForm {
  const { path } = form.parameters;
  if (typeof path !== 'string' || isAbsolute(path) || path.startsWith('~')) return form;
  return { ...form, parameters: { ...form.parameters, path: join(basedir, path) } };
}

/** The number of the line of a setting, or of a clause's heading; 1 if unknown. */
function lineOf(text: string, clause: string | undefined, name: string | undefined): number {
  let current: string | undefined;
  for (const [i, line] of text.split('\n').entries()) {
    const heading = /^\s*\[([^\]]*)\]\s*$/.exec(line)?.[1];
    if (heading !== undefined) current = heading.replaceAll('\\.', '.');
    if (current !== clause) continue;
    if (name === undefined || line.split('=', 1)[0]?.trim() === name) return i + 1;
  }
  return 1;
}

function wrong(file: string, line: number, what: string, remedy: string | undefined, cause?: unknown): VtError {
  return new VtError('EUSAGE', `${file}:${line}: ${what}`, {
    ...(remedy === undefined ? {} : { remedy }),
    ...(cause === undefined ? {} : { cause }),
  });
}
