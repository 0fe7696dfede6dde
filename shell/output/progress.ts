import type { ProgressState } from '../../commands/command.ts';
import { countText, sizeText } from '../../commands/parts/format.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { safeJson } from '../../core/base/unsafe-text.ts';
import { safeMessage } from './output.ts';
import type { Tag } from './tagged-output.ts';

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

  update(state: ProgressState, tag: Tag = {}): void {
    const now = this.#nowMs();
    if (this.#last === undefined || this.#last.label !== state.label) {
      this.#startMs = now;
      this.#startBytes = state.doneBytes;
    }
    this.#last = state;
    if (this.#mode === 'none' || now - this.#shownMs < FRAME_MS) return;
    this.#shownMs = now;
    if (this.#mode === 'json') {
      this.#write(`${safeJson({ ...tag, progress: this.#fields(state) })}\n`);
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
    const rate = this.#rate(state);
    const parts = [
      state.totalBytes === undefined
        ? sizeText(state.doneBytes)
        : `${sizeText(state.doneBytes)} of ${sizeText(state.totalBytes)}${percentText(state.doneBytes, state.totalBytes)}`,
    ];
    if (state.doneItems !== undefined) parts.push(countText(state.doneItems, 'item'));
    if (rate !== undefined) parts.push(`${sizeText(rate)}/s`);
    const left = secondsLeft(state, rate);
    if (left !== undefined) parts.push(`${left} s left`);
    if (state.lagBytes !== undefined) parts.push(`lag ${sizeText(state.lagBytes)} (${((state.lagMs ?? 0) / 1000).toFixed(1)} s)`);
    if (state.newBlocks !== undefined) parts.push(countText(state.newBlocks, 'new block'));
    if (state.existingBlocks !== undefined) parts.push(`${groupedDigits(state.existingBlocks)} existing`);
    return `${safeMessage(state.label)}: ${parts.join(', ')}`;
  }

  /** Bytes a second since the command began; undefined before that can be told. */
  #rate({ bytesPerSecond, doneBytes }: ProgressState): number | undefined {
    const seconds = (this.#nowMs() - this.#startMs) / 1000;
    return bytesPerSecond ?? (seconds > 0.2 ? (doneBytes - this.#startBytes) / seconds : undefined);
  }

  #fields(state: ProgressState): Readonly<Record<string, unknown>> {
    const rate = this.#rate(state);
    return {
      label: state.label,
      done_bytes: state.doneBytes,
      total_bytes: state.totalBytes,
      done_items: state.doneItems,
      new_blocks: state.newBlocks,
      existing_blocks: state.existingBlocks,
      bytes_per_second: rate === undefined ? undefined : Math.round(rate),
      seconds_left: secondsLeft(state, rate),
      lag_bytes: state.lagBytes,
      lag_ms: state.lagMs,
    };
  }
}

/** Whole seconds that the rest will take; undefined where that cannot be told. */
function secondsLeft({ doneBytes, totalBytes }: ProgressState, rate: number | undefined): number | undefined {
  if (rate === undefined || rate <= 0 || totalBytes === undefined) return undefined;
  return Math.ceil(Math.max(0, totalBytes - doneBytes) / rate);
}

function percentText(done: number, total: number): string {
  return total > 0 ? ` (${Math.floor((100 * Math.min(done, total)) / total)} %)` : '';
}
