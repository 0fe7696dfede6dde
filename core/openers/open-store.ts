import { VtError } from '../base/errors.ts';
import { requireHomeFolder } from '../base/system/home-folder.ts';
import type { HashName } from '../block/hash.ts';
import type { Store } from '../store/store.ts';
import type { StoreForm, StoreParameters, StoreShape, StoreSpecification } from './specification.ts';
import { SpecificationGrammar } from './specification-grammar.ts';
import { STORE_TYPES } from './store-types.ts';

/** What opening a Store takes from outside. */
export interface OpenStoreEnvironment {
  /** The folder of the default Store: `$XDG_DATA_HOME/vtftp/store`. It is made on first use. */
  readonly defaultStorePath: string | undefined;
  /** The folder of caches: `$XDG_CACHE_HOME/vtftp`. */
  readonly cachePath: string | undefined;
  /** What `~` stands for; without it, itself. */
  readonly homePath?: string | undefined;
  readonly clock?: () => Date;
  readonly onNotice?: (notice: string) => void;
  readonly readOnly?: boolean;
  /** Make a datadir that is not there: now, or by its first write; without it that is refused. */
  readonly create?: boolean | 'by first write';
  /** Hash function of a Store that is made. */
  readonly hashName?: HashName;
  /** The hash function of the reference that is to be opened: that of a Store which does not tell its own. */
  readonly assumedHash?: HashName | undefined;
  /** What `default` means, where it is not the Store in `defaultStorePath`. */
  readonly defaultStore?: StoreSpecification;
  /** What a clause of the configuration says. Throws a VtError for one that is not there. */
  readonly clause?: (name: string) => StoreSpecification;
  /** Whether a specification may run a command: only where the user wrote it. Default no. */
  readonly runsCommands?: boolean;
  /** Gets a line for each packet that goes over a connection. */
  readonly traceWire?: ((line: string) => void) | undefined;
}

/** What the opener of one type of Stores gets. */
export interface OpenContext extends OpenStoreEnvironment {
  /** A text for messages, which opens the same Store again. */
  readonly name: string;
  /** The text of a specification. */
  format(specification: StoreSpecification): string;
  /** Opens a Store within this one. */
  open(specification: StoreSpecification, changes?: Partial<OpenStoreEnvironment>): Promise<Store>;
}

/** A type of Stores: its grammar, and what opens one. */
export interface StoreType extends StoreShape {
  readonly open: (parameters: StoreParameters, context: OpenContext) => Promise<Store>;
}

/** Stores within Stores, at most: more is a clause that leads to itself. */
const MAX_DEPTH = 16;

const grammar = new SpecificationGrammar(STORE_TYPES);

/**
 * Parses a Store specification.
 *
 * @throws {SpecificationError} which names the column
 * @see vtftp.conf(5), "SPECIFICATIONS"
 */
export function parseStoreSpecification(text: string): StoreSpecification {
  return grammar.parse(text);
}

/** Parses the parameters of a clause; see {@link SpecificationGrammar.parseClause}. */
export function parseStoreClause(
  type: string,
  entries: Iterable<readonly [name: string, text: string]>,
  onError: (name: string, error: unknown) => Error,
): StoreForm {
  return grammar.parseClause(type, entries, onError);
}

/** The text of a specification, which is read back to the same. */
export function formatStoreSpecification(specification: StoreSpecification): string {
  return grammar.format(specification);
}

/**
 * Opens a Store by its specification.
 *
 * @throws {ParseError} for a specification that cannot be read, {VtError} EOPEN for a Store that cannot be opened
 */
export async function openStore(specification: string | StoreSpecification, environment: OpenStoreEnvironment): Promise<Store> {
  return await openAt(typeof specification === 'string' ? grammar.parse(specification) : specification, environment, 0);
}

async function openAt(specification: StoreSpecification, environment: OpenStoreEnvironment, depth: number): Promise<Store> {
  const name = grammar.format(specification);
  if (depth > MAX_DEPTH) {
    throw new VtError('EOPEN', `open Store "${name}": it leads to more than ${MAX_DEPTH} others`, {
      remedy: 'look for a clause that names itself',
    });
  }
  switch (specification.kind) {
    case 'default':
      return await openDefault(environment, depth);
    case 'clause':
      if (environment.clause === undefined) throw new VtError('EOPEN', `open Store "${name}": there is no configuration to look in`);
      return await openAt(environment.clause(specification.clause), environment, depth + 1);
    case 'command': {
      if (environment.runsCommands !== true) {
        throw new VtError('EPERM', `open Store "${name}": a specification that runs a command is not taken from here`, {
          remedy: 'give it on the command line',
        });
      }
      const { openCommandStore } = await import('./open-stream.ts');
      return await openCommandStore(specification.command, contextOf(name, environment, depth));
    }
    case 'form': {
      const type = STORE_TYPES.find((known) => known.type === specification.type);
      if (type === undefined) throw new VtError('EOPEN', `open Store "${name}": unknown type "${specification.type}"`);
      return await type.open(specification.parameters, contextOf(name, environment, depth));
    }
  }
}

function contextOf(name: string, environment: OpenStoreEnvironment, depth: number): OpenContext {
  return {
    ...environment,
    name,
    open: async (inner, changes) => await openAt(inner, { ...environment, ...changes }, depth + 1),
    format: (inner) => grammar.format(inner),
  };
}

async function openDefault({ defaultStore, ...environment }: OpenStoreEnvironment, depth: number): Promise<Store> {
  if (defaultStore !== undefined) return await openAt(defaultStore, environment, depth + 1);
  const form: StoreForm = {
    kind: 'form',
    type: 'datadir',
    parameters: { path: environment.defaultStorePath ?? requireHomeFolder(undefined, 'the default Store') },
  };
  const create = environment.create ?? true;
  return await openAt(form, { ...environment, create: environment.readOnly === true ? false : create }, depth + 1);
}
