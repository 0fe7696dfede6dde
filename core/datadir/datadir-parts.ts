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

/** What a datadir is made of; `openDatadir` puts it together. */
export interface DatadirParts {
  readonly path: string;
  readonly name: string;
  readonly hashName: HashName;
  readonly edges: EdgeSettings;
  /** How Blocks are compressed in the records that are added. */
  readonly compression: StoredCompression;
  /** How records are laid out that it appends. */
  readonly layOut: LayOutRecords;
  readonly index: DatadirIndex;
  readonly storeId: string;
  /** The modes of what is made in it. */
  readonly access: StoreAccess;
  /** Room for when the disk is full. Absent where nothing may be written. */
  readonly reserve?: StoreReserve;
  /** Absent where nothing may be written. */
  readonly writer: RecordWriter | undefined;
  /** Each record's digest is before its stored bytes. */
  readonly hasDigests: boolean;
  /** What references are under other hash functions: closed with the Store. */
  readonly names: StoreNames;
  readonly ticker?: IndexTickerOptions;
  /** How far adds are to outlive a loss of power; asked for at each write. Default `batch`. */
  readonly durability?: () => Durability;
  /** The session's place among the writers. Absent where gc never runs. */
  readonly presence?: WriterPresence;
}

/** The inside of an open datadir, for its maintenance. */
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
