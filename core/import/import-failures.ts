import type { Octets } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import type { NodePlace, StoredNode } from './import-node.ts';
import type { ImportOptions, NodeCounts } from './import-options.ts';
import type { ImportTop } from './import-top.ts';
import { isReplaced, replacedError } from './node-replaced.ts';

/** What fails in an import: nodes, whose stored state stays; the top itself; and the import as a whole. */
export class ImportFailures {
  readonly #top: ImportTop;
  readonly #counts: NodeCounts;
  readonly #options: Pick<ImportOptions, 'stored' | 'onFailure'>;
  #ofTop: { readonly error: unknown } | undefined;
  #end: { readonly error: unknown } | undefined;

  /** @param counts - where nodes that fail are counted */
  constructor(top: ImportTop, counts: NodeCounts, options: Pick<ImportOptions, 'stored' | 'onFailure'>) {
    this.#top = top;
    this.#counts = counts;
    this.#options = options;
  }

  /** Ends the import: the pipeline itself failed. The first error counts. */
  readonly end = (error: unknown): void => {
    this.#end ??= { error };
  };

  /** Why the top could not be read, or not as a whole. */
  get ofTop(): { readonly error: unknown } | undefined {
    return this.#ofTop;
  }

  /** Reports a node that is left out, or stored in a state that never was. */
  fail(place: NodePlace, error: unknown): void {
    this.#tell(place, error, false);
  }

  /**
   * Reports what cannot be read of a node, and gives what is stored of the node so far; undefined where nothing is, or the node is gone.
   * Never rejects: what was asked for would wait for ever.
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

  /** @throws what ended the import, if something did */
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
