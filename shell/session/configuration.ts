import { suggest } from '../../commands/words/suggest.ts';
import { VtError } from '../../core/base/errors.ts';
import type { StoreSpecification } from '../../core/openers/specification.ts';

/** What a configuration says of Stores. @see vtftp.conf(5) */
export interface Configuration {
  /** The file, for messages; it need not be there. */
  readonly file: string;
  /** The names of all clauses. */
  readonly names: readonly string[];
  /** The Store of a clause. Throws a VtError for one that is not there or cannot be read. */
  clause(name: string): StoreSpecification;
  /** What `default` means, where a clause `[default]` says so. */
  readonly defaultStore: StoreSpecification | undefined;
}

/** Says that a clause is not there, and which are. */
export function noClause(file: string, name: string, known: readonly string[]): never {
  throw new VtError('EOPEN', `open Store "[${name}]": "${file}" has no clause of this name`, {
    remedy:
      known.length === 0 ? `write [${name}] and store = SPECIFICATION there` : `use one of ${known.map((one) => `[${one}]`).join(', ')}`,
  });
}

/** Says that a word is neither a clause nor a Store, with the clause that may be meant, and how a new Store is made. */
export function noSuchWord({ names }: Configuration, word: string): never {
  const [near] = suggest(word, names);
  const ways = [...(near === undefined ? [] : [`did you mean ${near}?`]), `for a Store in a folder type ./${word}`];
  throw new VtError('EOPEN', `open Store "${word}": neither a clause of the configuration nor a Store has this name`, {
    remedy: ways.join(' '),
  });
}
