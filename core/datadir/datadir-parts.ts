import type { StoreAccess } from '../base/system/store-files.ts';
import type { EdgeSettings } from '../block/edge-settings.ts';
import type { HashFunction, HashName } from '../block/hash.ts';
import type { Durability } from '../store/durability.ts';
import type { LayOutRecords } from '../store/records/record-layout.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { RecordWriter } from './datadir-append.ts';
import type { DatadirIndex } from './datadir-index.ts';
import type { DatafileReaders } from './datafiles/datafile-readers.ts';
import type { IndexTickerOptions } from './index/index-ticker.ts';
import type { StoreNames } from './names/store-names.ts';
import type { StoreReserve } from './store-reserve.ts';
import type { WriterPresence } from './writer-presence.ts';

/** The parts of a datadir, which `openDatadir` makes. */
export interface DatadirParts {
  readonly path: string;
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  /** How Blocks are compressed in added records. */
  readonly compression: StoredCompression;
  /** Determines the layout of appended records. */
  readonly layOut: LayOutRecords;
  readonly index: DatadirIndex;
  readonly storeId: string;
  /** The modes of new files in it. */
  readonly access: StoreAccess;
  /** The reserve of disk space. Absent if the Store is read-only. */
  readonly reserve?: StoreReserve;
  /** Absent where nothing may be written. */
  readonly writer: RecordWriter | undefined;
  /** Whether each record has its digest before its stored bytes. */
  readonly hasDigests: boolean;
  /** References under other hash functions. Closed with the Store. */
  readonly names: StoreNames;
  readonly ticker?: IndexTickerOptions;
  /** Whether and when adds are made durable; called at each write. Default `batch`. */
  readonly durability?: () => Durability;
  /** The session's entry among the writers. Absent if gc never runs on the Store. */
  readonly presence?: WriterPresence;
}

/** The internals of an open datadir, for maintenance. */
export interface DatadirInternals {
  readonly path: string;
  readonly hash: HashFunction;
  readonly index: DatadirIndex;
  readonly readers: DatafileReaders;
  readonly layOut: LayOutRecords;
  readonly names: StoreNames;
  readonly hasDigests: boolean;
  /** The name of this session's file among the writers. */
  readonly ownWriter: string | undefined;
  readonly storeId: string;
  /** Absent where nothing may be written. */
  readonly reserve: StoreReserve | undefined;
}
