import type { OpOptions } from '../base/op-options.ts';
import type { StoreNotes } from './capabilities.ts';
import { NOTE_SIZE } from './capabilities.ts';
import { canWrite, capability } from './capability.ts';
import type { Store } from './store.ts';

const PREFIX = Buffer.from('note:', 'latin1');

/** The notes of a Store: its own, or notes kept in its cache; undefined if it has neither. */
export function notesOf(store: Store): StoreNotes | undefined {
  const cache = capability(store, 'cache');
  if (cache === undefined || !canWrite(store)) return capability(store, 'notes');
  const keyOf = (note: Uint8Array): Uint8Array => {
    if (note.length !== NOTE_SIZE) throw new RangeError(`a note of ${note.length} bytes, not ${NOTE_SIZE}`);
    return Buffer.concat([PREFIX, note]);
  };
  // The cache is only valid once this session is registered with gc and has loaded the index.
  const open = async (options?: OpOptions): Promise<void> => void (await store.has([], options));
  return {
    async has(note, options) {
      await open(options);
      return cache.get(keyOf(note)) !== undefined;
    },
    async add(note, options) {
      await open(options);
      cache.put(keyOf(note), Uint8Array.of(1));
    },
  };
}
