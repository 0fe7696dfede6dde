import { copyOctets } from '../../../core/base/copy-octets.ts';
import type { BlockWindow } from '../../../core/export/block-window.ts';
import type { RowRange } from '../../../core/export/export-batch.ts';
import type { PackedSegments } from '../../../core/export/segment-rows.ts';
import { CELL, ROW_SIZE, SEGMENT } from '../../../core/export/segment-rows.ts';

/** Octets of content that are read ahead at a time: whole parts of files, from multiples of it on. */
export const PART_SIZE = 1024 * 1024;

/** A part of a content that a worker is to read and verify. */
export interface ReadJob {
  readonly segments: PackedSegments;
  /** Which of the slots takes it. */
  readonly slot: number;
}

/** What a worker says of a job: nothing where all is well. */
export interface ReadAnswer {
  /** What was wrong with it. */
  readonly failure?: string;
}

/** What a worker is started with. */
export interface ReadWorkerData {
  readonly hashName: string;
  /** Of PART_SIZE octets each. */
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

/** As {@link fillPart}, of some of the rows of segments that the window uses. @returns octets put there */
export function fillRows(window: BlockWindow, segments: PackedSegments, { firstRow, endRow }: RowRange, target: Uint8Array): number {
  const { cells, literals } = segments;
  let at = 0;
  for (let row = firstRow; row < endRow; row++) {
    const cell = row * ROW_SIZE;
    const wanted = cells[cell + CELL.wanted] as number;
    const offset = cells[cell + CELL.offset] as number;
    switch (cells[cell + CELL.kind]) {
      case SEGMENT.run:
        target.fill(offset, at, at + wanted);
        break;
      case SEGMENT.data:
        copyOctets(target, at, literals.subarray(offset, offset + wanted));
        break;
      default:
        if (!window.holds(row)) window.fill(row);
        copyOctets(target, at, window.view(row));
    }
    at += wanted;
  }
  return at;
}
