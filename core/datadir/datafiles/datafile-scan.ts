import { crc32 } from '../../base/crc32.ts';
import { throwIfCancelled } from '../../base/errors.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { Codec, RecordHeader } from '../../store/records/datafile.ts';
import { decodeRecordHeader, GAP_KIND, RECORD_FIXED_SIZE, RECORD_MAGIC } from '../../store/records/datafile.ts';
import { decodePart, UnpackedFrames } from '../../store/records/frame.ts';
import { decodeStored } from '../../store/records/stored-bytes.ts';
import { FileWindow, WINDOW_SIZE } from './file-window.ts';

/** Bytes between two looks at the signal, when other work of the process may continue. */
const PAUSE_SIZE = 16 * 1024 * 1024;

/** A whole record, found by a scan. */
export interface ScannedRecord {
  readonly digest: Uint8Array;
  readonly codec: Codec;
  /** Offset of the stored bytes. */
  readonly offset: number;
  readonly storedSize: number;
  readonly size: number;
}

/** A part of a file that is no whole record. */
export interface ScanDamage {
  readonly start: number;
  readonly end: number;
  /** `tail`: the file ends inside a record, as after a crash. */
  readonly kind: 'tail' | 'damage';
}

/** What a scan came to. */
export interface ScanResult {
  /** Just past the last whole record, or where the scan began. */
  readonly indexedTo: number;
  /** Where the scan stopped: the end of the file, or as asked. */
  readonly stoppedAt?: number;
  readonly damage: readonly ScanDamage[];
}

/** What a scan reads: part of an open .vtd. */
export interface ScanOptions {
  /** Offset of a record. */
  readonly start: number;
  /** Size of the file. */
  readonly end: number;
  readonly hash: HashFunction;
  /** Check the hash of every Block from the start: where the file's header is damaged. */
  readonly distrust?: boolean;
  readonly onRecord: (record: ScannedRecord) => void;
  /** Called with each gap: what it is, and where what is in it starts. */
  readonly onGap?: ((gap: { readonly kind: number; readonly offset: number; readonly size: number }) => void) | undefined;
  /** Stop at the first end of a record from this offset on; default the end of the file. */
  readonly until?: number;
  /** Awaited now and then, between two records. */
  readonly pause?: () => Promise<void>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Finds the records of a .vtd from an offset on. The CRC of each header and payload is checked, not the hash. Where no record is,
 * the next one is searched for. Past such a place hashes are checked too, as what looks like a record may be part of a Block's
 * bytes.
 */
export async function scanDatafile(fd: number, options: ScanOptions): Promise<ScanResult> {
  const { end, hash, onRecord } = options;
  const headerSize = RECORD_FIXED_SIZE + hash.digestSize;
  const window = new FileWindow(fd, end);
  const frames = new ScannedFrames(window);
  const damage: ScanDamage[] = [];
  let distrust = options.distrust === true;
  let indexedTo = options.start;
  let position = options.start;
  let pauseAt = position + PAUSE_SIZE;
  const until = Math.min(end, options.until ?? end);
  while (position < until) {
    if (position >= pauseAt) {
      throwIfCancelled(options.signal);
      await (options.pause?.() ?? nextTurn());
      pauseAt = position + PAUSE_SIZE;
    }
    const header = decodeRecordHeader(window.at(position, headerSize), 0, hash.digestSize);
    if (header === undefined) {
      const next = await findRecord(window, position, hash.digestSize, options);
      // A write that was cut short leaves the start of a record, which would be whole up to the end of the file.
      damage.push({ start: position, end: next ?? end, kind: end - position < headerSize ? 'tail' : 'damage' });
      if (next === undefined) break;
      distrust = true;
      position = next;
      continue;
    }
    const offset = position + headerSize;
    const next = offset + header.storedSize;
    if (next > end) {
      damage.push({ start: position, end, kind: 'tail' });
      // A damaged neighbour may have left a false record here: the true ones may begin within it.
      if (!distrust) break;
      const found = await findRecord(window, position, hash.digestSize, options);
      if (found === undefined) break;
      position = found;
      continue;
    }
    const { codec, storedSize, size } = header;
    if (header.isGap) {
      if (size === GAP_KIND.frame) frames.meet(offset, header);
      options.onGap?.({ kind: size, offset, size: storedSize });
      indexedTo = next;
      position = next;
      continue;
    }
    const digest = Uint8Array.from(header.digest);
    const whole =
      distrust || (codec === 'part' && !frames.isWhole(offset, header))
        ? frames.hashMatches(offset, header, digest, hash)
        : crcMatches(window, offset, header);
    if (whole) {
      onRecord({ digest, codec, offset, storedSize, size });
      indexedTo = next;
      position = next;
    } else if (distrust) {
      const found = await findRecord(window, position, hash.digestSize, options);
      damage.push({ start: position, end: found ?? end, kind: 'damage' });
      if (found === undefined) break;
      position = found;
    } else {
      damage.push({ start: position, end: next, kind: 'damage' });
      indexedTo = next;
      position = next;
    }
  }
  return { indexedTo, stoppedAt: position < until ? end : position, damage };
}

function crcMatches(window: FileWindow, offset: number, header: Pick<RecordHeader, 'storedSize' | 'payloadCrc'>): boolean {
  let crc = 0;
  const { payloadCrc } = header;
  for (let at = offset, left = header.storedSize; left > 0; ) {
    const part = window.some(at, left);
    if (part.length === 0) return false;
    crc = crc32(part, crc);
    at += part.length;
    left -= part.length;
  }
  return crc === payloadCrc;
}

/** The frames that a scan finds. The records behind one are whole only if it is. */
class ScannedFrames {
  readonly #window: FileWindow;
  /** The last one, kept unpacked as long as its records follow. */
  readonly #unpacked = new UnpackedFrames<number>(1);
  /** Where the last one begins whose CRC holds. */
  #wholeAt: number | undefined;

  constructor(window: FileWindow) {
    this.#window = window;
  }

  meet(offset: number, header: RecordHeader): void {
    this.#wholeAt = crcMatches(this.#window, offset, header) ? offset : undefined;
  }

  /** Whether a record is one of the last frame, and that one is whole. */
  isWhole(offset: number, { storedSize }: RecordHeader): boolean {
    const part = decodePart(this.#window.copy(offset, storedSize));
    return part !== undefined && offset - part.back === this.#wholeAt;
  }

  /** Whether a record's Block has its digest. */
  hashMatches(offset: number, { codec, size, storedSize }: RecordHeader, digest: Uint8Array, hash: HashFunction): boolean {
    const data = decodeStored(this.#window.copy(offset, storedSize), codec, size, (back, frameSize) =>
      back <= offset ? this.#unpacked.get(offset - back, () => this.#window.copy(offset - back, frameSize)) : undefined,
    );
    return data !== undefined && Buffer.compare(hash.digest(data), digest) === 0;
  }
}

/** The offset of the next valid record header past `position`, or undefined. */
async function findRecord(window: FileWindow, position: number, digestSize: number, options: ScanOptions): Promise<number | undefined> {
  const headerSize = RECORD_FIXED_SIZE + digestSize;
  let pauseAt = position + PAUSE_SIZE;
  for (let at = position + 1; at + headerSize <= options.end; ) {
    if (at >= pauseAt) {
      throwIfCancelled(options.signal);
      await nextTurn();
      pauseAt = at + PAUSE_SIZE;
    }
    const part = window.some(at, WINDOW_SIZE);
    const found = part.indexOf(RECORD_MAGIC);
    if (found < 0) {
      if (part.length < RECORD_MAGIC.length) return undefined;
      at += part.length - (RECORD_MAGIC.length - 1);
    } else {
      at += found;
      if (decodeRecordHeader(window.at(at, headerSize), 0, digestSize) !== undefined) return at;
      at++;
    }
  }
  return undefined;
}

async function nextTurn(): Promise<void> {
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}
