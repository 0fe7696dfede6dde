import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';

/** A state in a one-file Store, or why it cannot be read. */
export type FileState = Omit<ArchiveEntry, 'number'> | VtError;

/** The states of a one-file Store as an archive, which is read-only: `ar -r` appends. */
export class OneFileArchive implements Archive {
  readonly name: string;
  readonly #states: (options: OpOptions) => Promise<readonly FileState[]>;

  /** @param states - oldest first */
  constructor(name: string, states: (options: OpOptions) => Promise<readonly FileState[]>) {
    this.name = name;
    this.#states = states;
  }

  async last(options: OpOptions & { readonly onDamage?: (reason: string) => void } = {}): Promise<ArchiveEntry | undefined> {
    let last: ArchiveEntry | undefined;
    const damaged: string[] = [];
    const onDamage = (_: number, reason: string): void => {
      damaged.push(reason);
    };
    for await (const entry of this.entries({ ...options, onDamage })) last = entry;
    for (const reason of damaged) options.onDamage?.(reason);
    return last;
  }

  async *entries(
    options: OpOptions & { readonly onDamage?: (line: number, reason: string) => void } = {},
  ): AsyncGenerator<ArchiveEntry, void, undefined> {
    let number = 0;
    for (const [i, state] of (await this.#states(options)).entries()) {
      if (state instanceof VtError) options.onDamage?.(i + 1, state.message);
      else yield { ...state, number: ++number };
    }
  }

  async append(): Promise<undefined> {
    return await Promise.reject(new ReadOnlyError('append to archive', this.name, { remedy: 'ar -r appends a state to the file' }));
  }
}
