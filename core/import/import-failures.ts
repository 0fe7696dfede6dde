import type { Octets } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { NodePlace, StoredNode } from './import-node.ts';
import type { ImportOptions, NodeCounts } from './import-options.ts';
import type { ImportTop } from './import-top.ts';
import { isReplaced, replacedError } from './node-replaced.ts';

/** Handles failures of an import: of single nodes, whose stored state is kept, of the top, and of the import as a whole. */
export class ImportFailures {
  readonly #top: ImportTop;
  readonly #counts: NodeCounts;
  readonly #options: Pick<ImportOptions, 'stored' | 'onFailure'>;
  #ofTop: { readonly error: unknown } | undefined;
  #end: { readonly error: unknown } | undefined;

  /** @param counts - its `failures` is incremented for each failed node */
  constructor(top: ImportTop, counts: NodeCounts, options: Pick<ImportOptions, 'stored' | 'onFailure'>) {
    this.#top = top;
    this.#counts = counts;
    this.#options = options;
  }

  /** Ends the import, because the ingest or the Store failed. The first error is kept. */
  readonly end = (error: unknown): void => {
    this.#end ??= { error };
  };

  /** The error of the top, if it could not be read completely. */
  get ofTop(): { readonly error: unknown } | undefined {
    return this.#ofTop;
  }

  /** Reports a node that is left out, or that changed while it was read. */
  fail(place: NodePlace, error: unknown): void {
    this.#tell(place, error, false);
  }

  /**
   * Reports a node that cannot be read, and returns its stored state. Undefined if it has none, or the node no longer exists. Never
   * rejects,
   * since the directory waits for an outcome: an error of `stored` ends the import.
   */
  async keep(place: NodePlace, error: unknown): Promise<StoredNode | undefined> {
    let stored: StoredNode | undefined;
    try {
      if (errorCode(error) !== 'ENOENT' && !this.#top.isAt(place) && this.#end === undefined)
        stored = await this.#options.stored?.(this.#top.relative(place).replace(/^\//, '') as Octets);
    } catch (failure) {
      this.end(failure);
    }
    this.#tell(place, error, stored !== undefined);
    return stored;
  }

  /** @throws the error that ended the import, if any */
  throwIfEnded(): void {
    if (this.#end !== undefined) throw this.#end.error;
  }

  #tell(place: NodePlace, found: unknown, isKept: boolean): void {
    this.#counts.failures++;
    const error = isReplaced(found) ? replacedError(found) : found;
    if (this.#top.isAt(place)) this.#ofTop = { error };
    else this.#options.onFailure?.(this.#top.pathOf(place), error, isKept);
  }
}
