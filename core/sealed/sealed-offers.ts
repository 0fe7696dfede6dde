import type { OpOptions } from '../base/op-options.ts';
import { digestKey } from '../block/digest-key.ts';
import type { HashName } from '../block/hash.ts';
import { hashByName } from '../block/hash.ts';
import { SEALED_OVERHEAD } from '../block/sealed-bytes.ts';
import type {
  CountedAdds,
  LocalCache,
  RecordSink,
  RecordSource,
  Sealing,
  StoreArchives,
  StoreNotes,
  StoreParts,
} from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';
import type { Offers } from '../store/capability.ts';
import { capability } from '../store/capability.ts';
import { unpackRecords } from '../store/records/record-batch.ts';
import type { Store } from '../store/store.ts';
import { openArchiveName, sealArchiveName } from './archive-name.ts';
import { openRecords, sealedNames } from './seal-blocks.ts';
import type { SealKeys } from './seal-keys.ts';
import { lookupOf } from './seal-keys.ts';
import { SealedArchive } from './sealed-archive.ts';
import { sealedCache, sealedImports } from './sealed-cache.ts';
import { sealedJournals } from './sealed-journals.ts';

/** The parts of a sealed Store that its capabilities use. */
export interface SealedInside extends CountedAdds, StoreParts, RecordSink {
  readonly name: string;
  readonly hashName: HashName;
  readonly sealing: Sealing | undefined;
  readonly isMade: boolean;
  /** Creates the Store and its keys. */
  make(options?: OpOptions): Promise<void>;
}

type KeysNow = () => SealKeys | undefined;

/**
 * The capabilities of a sealed Store. It has only those listed here, and inherits none from the Store below, so that
 * no future capability bypasses the encryption.
 */
export function sealedOffers(store: SealedInside, below: Store, keysNow: KeysNow): Offers {
  const cache: LocalCache = sealedCache(
    {
      get: (key) => capability(below, 'cache')?.get(key),
      put: (key, value) => capability(below, 'cache')?.put(key, value),
    },
    keysNow,
  );
  return {
    counts: store,
    making: store,
    parts: store,
    get access() {
      return capability(below, 'access');
    },
    get archives() {
      const archives = capability(below, 'archives');
      return archives && sealedArchives(store, archives, keysNow);
    },
    get cache() {
      return capability(below, 'cache') && cache;
    },
    get costs() {
      return capability(below, 'costs');
    },
    get durability() {
      return capability(below, 'durability');
    },
    get folders() {
      return capability(below, 'folders');
    },
    get imports() {
      const imports = capability(below, 'imports');
      return imports && sealedImports(imports, keysNow);
    },
    get journals() {
      const journals = capability(below, 'journals');
      const keys = keysNow();
      return journals && keys && sealedJournals(journals, keys);
    },
    get link() {
      return capability(below, 'link');
    },
    get notes() {
      const notes = capability(below, 'notes');
      return notes && sealedNotesOf(notes, keysNow);
    },
    get recordSink() {
      return capability(below, 'recordSink') && store;
    },
    get recordSource() {
      const source = capability(below, 'recordSource');
      return source && openedRecords(store, source, keysNow);
    },
    get sealing() {
      return store.sealing;
    },
    get spool() {
      return capability(below, 'spool');
    },
  };
}

/** The name of any archive that the Store below can open. */
const SOME_ARCHIVE = 'keys';

function sealedArchives(store: SealedInside, below: StoreArchives, keysNow: KeysNow): StoreArchives {
  return {
    open: (name, options) =>
      new SealedArchive(name, {
        name: `${store.name}:${name}`,
        opened() {
          const keys = keysNow();
          return keys && { keys, below: below.open(sealArchiveName(keys, name), options) };
        },
        make: async (makeOptions) => await store.make(makeOptions),
        alike: below.open(SOME_ARCHIVE, options),
      }),
    list: async (options?: OpOptions) => {
      const keys = keysNow();
      const names = await below.list?.(options);
      return names && keys === undefined ? [] : names?.flatMap((name) => (keys && openArchiveName(keys, name)) ?? []).sort();
    },
  };
}

function sealedNotesOf(below: StoreNotes, keysNow: KeysNow): StoreNotes {
  const noteOf = (note: Uint8Array): Uint8Array | undefined => {
    const keys = keysNow();
    return keys && lookupOf(keys, 'note', note).subarray(0, NOTE_SIZE);
  };
  return {
    async has(note, options) {
      const sealed = noteOf(note);
      return sealed !== undefined && (await below.has(sealed, options));
    },
    async add(note, options) {
      const sealed = noteOf(note);
      if (sealed !== undefined) await below.add(sealed, options);
    },
  };
}

function openedRecords(store: SealedInside, below: RecordSource, keysNow: KeysNow): RecordSource {
  const hash = hashByName(store.hashName);
  return {
    async *records(digests, spans, options) {
      const keys = keysNow();
      if (keys === undefined) return;
      const names = sealedNames(keys, digests);
      const plain = new Map<string, Uint8Array>();
      for (let at = 0; at < names.length; at += hash.digestSize)
        plain.set(digestKey(names.subarray(at, at + hash.digestSize)), digests.slice(at, at + hash.digestSize));
      const sealedSpans = spans && Float64Array.from(spans, (span) => (span < 0 ? span : span + SEALED_OVERHEAD));
      for await (const batch of below.records(names, sealedSpans, options)) {
        const sealed = unpackRecords(batch, hash.digestSize).map(({ data }) => data);
        // `get` gives the reason if a Block cannot be opened.
        const { digests: opened, sizes, image } = openRecords(keys, batch.digests, sealed, (name) => plain.get(digestKey(name)));
        batch.release?.();
        const count = sizes.length;
        if (count > 0) yield { count, digests: opened, sizes, storedSizes: sizes, codecs: new Uint8Array(count), image, isOwned: true };
      }
    },
  };
}
