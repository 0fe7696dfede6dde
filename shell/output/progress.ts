import type { ProgressState } from '../../commands/command.ts';
import { countText, sizeText } from '../../commands/parts/format.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { safeJson } from '../../core/base/unsafe-text.ts';
import { safeMessage } from './output.ts';

/** Least time between two frames: ten a second at most. */
const FRAME_MS = 100;

export type ProgressMode = 'line' | 'json' | 'none';

/** Shows how a long command goes: one line that is written over, or JSON lines; remembers the last state for SIGUSR1. */
export class ProgressView {
  readonly #write: (text: string) => void;
  readonly #mode: ProgressMode;
  readonly #nowMs: () => number;
  readonly #columns: () => number;
  #last: ProgressState | undefined;
  #startMs = 0;
  #startBytes = 0;
  #shownMs = Number.NEGATIVE_INFINITY;
  #isShown = false;

  constructor(options: {
    readonly write: (text: string) => void;
    readonly mode: ProgressMode;
    readonly nowMs: () => number;
    readonly columns: () => number;
  }) {
    this.#write = options.write;
    this.#mode = options.mode;
    this.#nowMs = options.nowMs;
    this.#columns = options.columns;
  }

  update(state: ProgressState): void {
    const now = this.#nowMs();
    if (this.#last === undefined || this.#last.label !== state.label) {
      this.#startMs = now;
      this.#startBytes = state.doneBytes;
    }
    this.#last = state;
    if (this.#mode === 'none' || now - this.#shownMs < FRAME_MS) return;
    this.#shownMs = now;
    if (this.#mode === 'json') {
      this.#write(`${safeJson({ progress: state })}\n`);
      return;
    }
    this.#write(`\r${this.statusLine().slice(0, Math.max(10, this.#columns() - 1))}\x1b[K`);
    this.#isShown = true;
  }

  /** Takes the line off the terminal, before something else is written there. */
  clear(): void {
    if (this.#isShown) this.#write('\r\x1b[K');
    this.#isShown = false;
    this.#shownMs = Number.NEGATIVE_INFINITY;
  }

  /** The command has ended. */
  finish(): void {
    this.clear();
    this.#last = undefined;
  }

  /** `put: 12M of 40M (30 %), 8.1M/s, 4 s left, 310 new blocks, 12 existing`; `idle` where nothing runs. */
  statusLine(): string {
    const state = this.#last;
    if (state === undefined) return 'idle';
    const seconds = (this.#nowMs() - this.#startMs) / 1000;
    const rate = state.bytesPerSecond ?? (seconds > 0.2 ? (state.doneBytes - this.#startBytes) / seconds : undefined);
    const parts = [
      state.totalBytes === undefined
        ? sizeText(state.doneBytes)
        : `${sizeText(state.doneBytes)} of ${sizeText(state.totalBytes)}${percentText(state.doneBytes, state.totalBytes)}`,
    ];
    if (state.doneItems !== undefined) parts.push(countText(state.doneItems, 'item'));
    if (rate !== undefined) parts.push(`${sizeText(rate)}/s`);
    if (rate !== undefined && rate > 0 && state.totalBytes !== undefined) {
      parts.push(`${Math.ceil(Math.max(0, state.totalBytes - state.doneBytes) / rate)} s left`);
    }
    if (state.lagBytes !== undefined) parts.push(`lag ${sizeText(state.lagBytes)} (${((state.lagMs ?? 0) / 1000).toFixed(1)} s)`);
    if (state.newBlocks !== undefined) parts.push(countText(state.newBlocks, 'new block'));
    if (state.existingBlocks !== undefined) parts.push(`${groupedDigits(state.existingBlocks)} existing`);
    return `${safeMessage(state.label)}: ${parts.join(', ')}`;
  }
}

function percentText(done: number, total: number): string {
  return total > 0 ? ` (${Math.floor((100 * Math.min(done, total)) / total)} %)` : '';
}
