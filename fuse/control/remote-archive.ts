import type { AllEntriesOptions, Archive, ArchiveEntry } from '../../core/archive/archive.ts';
import { notesField, readNotes } from '../../core/archive/archive-notes.ts';
import { ReadOnlyError } from '../../core/base/errors.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import { TextReader } from '../../core/base/text-reader.ts';
import { parseDirent } from '../../core/dirent/dirent-text.ts';
import type { ControlLink } from './control-link.ts';
import { type Fields, takeCount, takeNanoseconds, takeText } from './fields.ts';
import { pagesOf } from './remote-tree.ts';

/** The archive in which a mount records its roots, read over its control channel. Only the mount appends. */
export class RemoteArchive implements Archive {
  readonly name: string;
  readonly #channel: ControlLink;

  constructor(channel: ControlLink, name: string) {
    this.#channel = channel;
    this.name = name;
  }

  async last(options: OpOptions = {}): Promise<ArchiveEntry | undefined> {
    const { state } = await this.#channel.ask({ request: 'last-state' }, options);
    return state === undefined ? undefined : entryOf(state as Fields);
  }

  async *entries({ withForgotten = false, ...options }: AllEntriesOptions = {}): AsyncGenerator<ArchiveEntry> {
    for await (const page of pagesOf(this.#channel, { request: 'states', ...(withForgotten ? { forgotten: true } : {}) }, options))
      for (const state of page['states'] as readonly Fields[]) yield entryOf(state);
  }

  async append(): Promise<ArchiveEntry | undefined> {
    return await Promise.reject(new ReadOnlyError('append to', this.name, { remedy: 'sync: the mount records its roots' }));
  }
}

function entryOf(state: Fields): ArchiveEntry {
  return {
    whenNs: takeNanoseconds(state, 'when_ns'),
    number: takeCount(state, 'number') ?? 0,
    dirent: parseDirent(takeText(state, 'dirent')),
    ...(state['forgotten'] === true ? { isForgotten: true as const } : {}),
    ...notesField(state['notes'] === undefined ? undefined : readNotes(new TextReader(takeText(state, 'notes')))),
  };
}
