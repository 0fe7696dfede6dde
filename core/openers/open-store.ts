import { VtError } from '../base/errors.ts';
import { openedOrCancelled } from '../base/opened-or-cancelled.ts';
import { requireHomeFolder } from '../base/system/home-folder.ts';
import type { Store } from '../store/store.ts';
import type { OpenContext, OpenStoreEnvironment } from './opener.ts';
import type { StoreForm, StoreSpecification } from './specification.ts';
import { SpecificationGrammar } from './specification-grammar.ts';
import { STORE_TYPES } from './store-types.ts';

/** Depth of Stores within Stores, at most; a clause that names itself exceeds it. */
const MAX_DEPTH = 16;

const grammar = new SpecificationGrammar(STORE_TYPES);

/**
 * Parses a Store specification.
 *
 * @throws {SpecificationError} with the column of the fault
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

/** Formats a specification; parsing the text gives the same again. */
export function formatStoreSpecification(specification: StoreSpecification): string {
  return grammar.format(specification);
}

/**
 * Opens a Store by its specification.
 *
 * @throws {ParseError} for an invalid specification; {VtError} EOPEN if the Store cannot be opened, EPERM if it may not run a command,
 *   ECANCELLED
 */
export async function openStore(specification: string | StoreSpecification, environment: OpenStoreEnvironment): Promise<Store> {
  return await openedOrCancelled(
    async () => await openAt(typeof specification === 'string' ? grammar.parse(specification) : specification, environment, 0),
    environment.signal,
  );
}

async function openAt(specification: StoreSpecification, environment: OpenStoreEnvironment, depth: number): Promise<Store> {
  const name = grammar.format(specification);
  if (depth > MAX_DEPTH) {
    throw new VtError('EOPEN', `open Store "${name}": its clauses name more than ${MAX_DEPTH} others`, {
      remedy: 'look for a clause that names itself',
    });
  }
  switch (specification.kind) {
    case 'default':
      return await openDefault(environment, depth);
    case 'clause':
      if (environment.clause === undefined) throw new VtError('EOPEN', `open Store "${name}": there is no configuration file`);
      return await openAt(environment.clause(specification.clause), environment, depth + 1);
    case 'word':
      return await openAt(environment.word?.(specification.word) ?? folderOf(specification.word), environment, depth + 1);
    case 'command': {
      if (environment.runsCommands !== true) {
        throw new VtError('EPERM', `open Store "${name}": a specification that runs a command is not allowed here`, {
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

function folderOf(path: string): StoreForm {
  return { kind: 'form', type: 'datadir', parameters: { path } };
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
