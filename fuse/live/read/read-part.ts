import type { BlockWindow } from '../../../core/export/block-window.ts';
import type { PackedSegments } from '../../../core/export/segment-rows.ts';
import { ROW_SIZE } from '../../../core/export/segment-rows.ts';
import { fillRows } from '../../../core/export/small-contents.ts';

/** Octets of content in one part of read-ahead; parts begin at multiples of it. */
export const PART_SIZE = 1024 * 1024;

/** A part of a content that a worker is to read and verify. */
export interface ReadJob {
  readonly segments: PackedSegments;
  /** Index of the slot that receives it. */
  readonly slot: number;
}

/** A worker's answer to a job: empty on success. */
export interface ReadAnswer {
  /** Why the job failed. */
  readonly failure?: string;
}

/** What a worker is started with. */
export interface ReadWorkerData {
  readonly hashName: string;
  /** Of PART_SIZE bytes each. */
  readonly slots: SharedArrayBuffer;
}

/**
 * Puts verified content together, piece after piece.
 *
 * @param target - takes it from its start on
 * @throws {StaleLocationError} if a Block is not what its location promised
 */
export function fillPart(window: BlockWindow, segments: PackedSegments, target: Uint8Array): void {
  window.use(segments);
  fillRows(window, segments, { firstRow: 0, endRow: segments.cells.length / ROW_SIZE }, target);
}
