import type { ProgressState } from '../../commands/command.ts';
import { countText, sizeText } from '../../commands/parts/format.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { safeJson } from '../../core/base/unsafe-text.ts';
import { safeMessage } from './output.ts';
import type { Tag } from './tagged-output.ts';

/** Milliseconds between two frames, at least. */
const FRAME_MS = 100;

export type ProgressMode = 'line' | 'json' | 'none';

/** Receives the progress of a command. */
export interface ProgressSink {
  update(state: ProgressState, tag?: Tag): void;
  /** Erases the progress line, before other output on the terminal. */
  clear(): void;
  /** The command has ended. */
  finish(): void;
}

/** The progress of a job: a line of its own among those of the others. */
export interface JobProgress extends ProgressSink {
  /** Its progress on one line; undefined if not known. */
  statusLine(): string | undefined;
  /** The job has ended. */
  end(): void;
}

/** Shows the progress of commands: one updated line for each, or JSON lines. Keeps the last states for SIGUSR1. */
export class ProgressView implements ProgressSink {
  readonly #write: (text: string) => void;
  readonly #mode: ProgressMode;
  readonly #nowMs: () => number;
  readonly #columns: () => number;
  readonly #mayDraw: () => boolean;
  readonly #own: Course;
  /** The progress of jobs, in the order of their start. */
  readonly #jobs = new Map<string, Course>();
  #shownMs = Number.NEGATIVE_INFINITY;
  #shownLines = 0;

  constructor(options: {
    readonly write: (text: string) => void;
    readonly mode: ProgressMode;
    readonly nowMs: () => number;
    readonly columns: () => number;
    /** Whether frames may be drawn now: not while the user is typing. */
    readonly mayDraw?: () => boolean;
  }) {
    this.#write = options.write;
    this.#mode = options.mode;
    this.#nowMs = options.nowMs;
    this.#columns = options.columns;
    this.#mayDraw = options.mayDraw ?? ((): boolean => true);
    this.#own = new Course(options.nowMs);
  }

  update(state: ProgressState, tag: Tag = {}): void {
    this.#take(this.#own, state, tag);
  }

  clear(): void {
    if (this.#shownLines > 0) this.#write(`${toTop(this.#shownLines)}\x1b[${this.#shownLines > 1 ? 'J' : 'K'}`);
    this.#shownLines = 0;
    this.#shownMs = Number.NEGATIVE_INFINITY;
  }

  finish(): void {
    this.clear();
    this.#own.end();
  }

  /** `put: 12M of 40M (30 %), 8.1M/s, 4 s left, 310 new blocks, 12 existing`, one line for each running command; `idle` for none. */
  statusLine(): string {
    const lines = this.#lines();
    return lines.length === 0 ? 'idle' : lines.join('\n');
  }

  /** A line for a job. @param name - what it begins with: `[1]` */
  job(name: string): JobProgress {
    const course = new Course(this.#nowMs);
    this.#jobs.set(name, course);
    return {
      update: (state, tag = {}) => this.#take(course, state, tag),
      clear: () => this.clear(),
      finish: () => course.end(),
      statusLine: () => course.text(),
      end: () => {
        this.clear();
        this.#jobs.delete(name);
      },
    };
  }

  #lines(): string[] {
    const own = this.#own.text();
    const jobs = [...this.#jobs].flatMap(([name, course]) => {
      const text = course.text();
      return text === undefined ? [] : [`${name} ${text}`];
    });
    return [...(own === undefined ? [] : [own]), ...jobs];
  }

  #take(course: Course, state: ProgressState, tag: Tag): void {
    const now = this.#nowMs();
    course.update(state);
    if (this.#mode === 'none' || now - this.#shownMs < FRAME_MS) return;
    if (this.#mode === 'json') {
      this.#shownMs = now;
      this.#write(`${safeJson({ ...tag, progress: course.fields() })}\n`);
    } else if (this.#mayDraw()) {
      this.#shownMs = now;
      this.#draw();
    }
  }

  #draw(): void {
    const width = Math.max(10, this.#columns() - 1);
    const lines = this.#lines().map((line) => `${line.slice(0, width)}\x1b[K`);
    const rest = lines.length < this.#shownLines ? '\x1b[J' : '';
    this.#write(`${toTop(this.#shownLines)}${lines.join('\n')}${rest}`);
    this.#shownLines = lines.length;
  }
}

/** Control sequence to the start of the first of some lines, from the last. @see ECMA-48, CUU */
function toTop(lines: number): string {
  return lines > 1 ? `\r\x1b[${lines - 1}A` : '\r';
}

/** The progress of one command. */
class Course {
  readonly #nowMs: () => number;
  #last: ProgressState | undefined;
  #startMs = 0;
  #startBytes = 0;

  constructor(nowMs: () => number) {
    this.#nowMs = nowMs;
  }

  update(state: ProgressState): void {
    if (this.#last === undefined || this.#last.label !== state.label) {
      this.#startMs = this.#nowMs();
      this.#startBytes = state.doneBytes;
    }
    this.#last = state;
  }

  end(): void {
    this.#last = undefined;
  }

  /** Its progress on one line; undefined if it is not running. */
  text(): string | undefined {
    const state = this.#last;
    if (state === undefined) return undefined;
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

  /** As an object under `--progress=json`. */
  fields(): Readonly<Record<string, unknown>> {
    const state = this.#last;
    if (state === undefined) return {};
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

  /** Bytes a second since the command began; undefined while unknown. */
  #rate({ bytesPerSecond, doneBytes }: ProgressState): number | undefined {
    const seconds = (this.#nowMs() - this.#startMs) / 1000;
    return bytesPerSecond ?? (seconds > 0.2 ? (doneBytes - this.#startBytes) / seconds : undefined);
  }
}

/** Whole seconds that the rest will take; undefined if unknown. */
function secondsLeft({ doneBytes, totalBytes }: ProgressState, rate: number | undefined): number | undefined {
  if (rate === undefined || rate <= 0 || totalBytes === undefined) return undefined;
  return Math.ceil(Math.max(0, totalBytes - doneBytes) / rate);
}

function percentText(done: number, total: number): string {
  return total > 0 ? ` (${Math.floor((100 * Math.min(done, total)) / total)} %)` : '';
}
