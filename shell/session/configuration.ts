import { suggest } from '../../commands/words/suggest.ts';
import { VtError } from '../../core/base/errors.ts';
import type { StoreSpecification } from '../../core/openers/specification.ts';

/** The Stores of a configuration file. @see vtftp.conf(5) */
export interface Configuration {
  /** Path of the file, for messages; it need not exist. */
  readonly file: string;
  /** The names of all clauses. */
  readonly names: readonly string[];
  /** The Store of a clause. @throws {VtError} if the clause is missing or not valid */
  clause(name: string): StoreSpecification;
  /** The Store of a clause `[default]`, which replaces the built-in default. */
  readonly defaultStore: StoreSpecification | undefined;
}

/** Throws the error about a missing clause. @throws {VtError} EOPEN, with the existing clauses as remedy */
export function noClause(file: string, name: string, known: readonly string[]): never {
  throw new VtError('EOPEN', `open Store "[${name}]": "${file}" has no clause of this name`, {
    remedy:
      known.length === 0 ? `write [${name}] and store = SPECIFICATION there` : `use one of ${known.map((one) => `[${one}]`).join(', ')}`,
  });
}

/**
 * Throws the error about a word that is neither a clause nor a Store.
 *
 * @throws {VtError} EOPEN; the remedy names a similar clause and the way to make a Store
 */
export function noSuchWord({ names }: Configuration, word: string): never {
  const [near] = suggest(word, names);
  const ways = [...(near === undefined ? [] : [`did you mean ${near}?`]), `for a Store in a folder type ./${word}`];
  throw new VtError('EOPEN', `open Store "${word}": neither a clause of the configuration nor a Store has this name`, {
    remedy: ways.join(' '),
  });
}
