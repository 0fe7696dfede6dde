import { fstatSync } from 'node:fs';
import { VtError } from '../../base/errors.ts';
import { cName } from '../../base/system/at-calls.ts';
import { atCalls } from '../../base/system/choose-at-calls.ts';
import { sameSignature } from '../../base/system/file-signature.ts';
import { findXattrs } from '../../base/system/find-xattrs.ts';
import { contentHint } from '../content-hint.ts';
import { closeQuietly } from './file-slices.ts';
import { MAX_REREADS } from './ingest-jobs.ts';
import { ingestOpenFile } from './ingest-open-file.ts';
import type { IngestedFile, QueuedFile } from './ingested-file.ts';
import type { LaneContext } from './slice-lane.ts';

/** Maximum large files read at a time. */
const MAX_LANES = 4;

/** Stores large files slice by slice, up to {@link MAX_LANES} at a time. */
export class LargeFiles {
  readonly #lane: LaneContext;
  readonly #onRoom: () => void;
  readonly #waiting: QueuedFile[] = [];
  #lanes = 0;

  /** @param onRoom - called when a file is done */
  constructor(lane: LaneContext, onRoom: () => void) {
    this.#lane = lane;
    this.#onRoom = onRoom;
  }

  /** Files that wait for their turn. */
  get waitingFiles(): number {
    return this.#waiting.length;
  }

  /** Queues a file. */
  add(file: QueuedFile): void {
    this.#waiting.push(file);
    this.#startLanes();
  }

  /** Removes and returns the waiting files. */
  takeWaiting(): QueuedFile[] {
    return this.#waiting.splice(0);
  }

  #startLanes(): void {
    while (this.#lanes < MAX_LANES) {
      const file = this.#waiting.shift();
      if (file === undefined) return;
      this.#lanes++;
      this.#read(file)
        .then(file.resolve, file.reject)
        .finally(() => {
          this.#lanes--;
          this.#onRoom();
          this.#startLanes();
        });
    }
  }

  /** Reads a file, and again if it changes meanwhile, at most {@link MAX_REREADS} times more. */
  async #read({ dir, name, seen: first }: QueuedFile): Promise<IngestedFile> {
    const readAtMs = Date.now();
    const fd = atCalls().open(dir, cName(name), 'content');
    try {
      const hint = contentHint(name, findXattrs(fd).xattrs);
      let stat = fstatSync(fd, { bigint: true });
      for (let reads = 0; ; reads++) {
        if (!stat.isFile()) throw new VtError('EFAILED', 'read file: it is no longer a regular file');
        const before = stat;
        const block = await ingestOpenFile(this.#lane, fd, Number(before.size), before.blocks * 512n < before.size, hint);
        stat = fstatSync(fd, { bigint: true });
        const isStable = sameSignature(before, stat);
        if (!isStable && reads < MAX_REREADS) continue;
        await this.#lane.relieve();
        const { xattrs, error } = findXattrs(fd);
        return { block, stat: sameSignature(first, stat) ? undefined : stat, seen: stat, isStable, xattrs, xattrError: error, readAtMs };
      }
    } finally {
      closeQuietly(fd);
    }
  }
}
