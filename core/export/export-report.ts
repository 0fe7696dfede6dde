import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import { isDamage } from '../tree/walk.ts';
import type { AttributeFailure } from './export-attributes.ts';
import { messageOf } from './export-io.ts';
import { lackingAttribute, nameError } from './filesystem-lacks.ts';

/** Codes of errors after which nothing more can be written. */
const FATAL_CODES: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** Whether an error, or one of its causes, is a lack of permission. */
function isDenied(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'EACCES' || code === 'EPERM') return true;
  return error instanceof Error && error.cause !== undefined && isDenied(error.cause);
}

/** Counts of 0. */
export const NO_EXPORT_COUNTS: Readonly<ExportCounts> = {
  files: 0,
  dirs: 0,
  symlinks: 0,
  specials: 0,
  links: 0,
  skipped: 0,
  omitted: 0,
  bytes: 0,
  failures: 0,
  damaged: 0,
  denied: 0,
};

/** Counts the work of an export, and reports its failures. */
export class ExportReport {
  readonly counts: ExportCounts = { ...NO_EXPORT_COUNTS };
  readonly #target: Octets;
  readonly #onFailure: ((failure: ExportFailure) => void) | undefined;
  readonly #onProgress: ((counts: Readonly<ExportCounts>) => void) | undefined;
  /** Kinds of attributes that the filesystem cannot hold. Each is reported once. */
  readonly #lacking = new Set<string>();
  #fatal: Error | undefined;

  constructor(options: {
    readonly target: Octets;
    readonly onFailure: ((failure: ExportFailure) => void) | undefined;
    readonly onProgress: ((counts: Readonly<ExportCounts>) => void) | undefined;
  }) {
    this.#target = options.target;
    this.#onFailure = options.onFailure;
    this.#onProgress = options.onProgress;
  }

  /** Reports a node that could not be made. */
  fail(path: Octets, error: unknown): void {
    const code = errorCode(error);
    if (error instanceof VtError && error.code === 'ECANCELLED') this.#fatal ??= error;
    else if (code !== undefined && FATAL_CODES.includes(code)) {
      const local = octetsToText((path === '' ? this.#target : `${this.#target}/${path}`) as Octets);
      this.#fatal ??= new VtError('EFAILED', `write "${local}": ${messageOf(error)}`, { cause: error });
    } else {
      const named = nameError(error, (path === '' ? this.#target : path).replace(/^.*\//s, '') as Octets);
      this.#add(path, named instanceof Error ? named : new Error(String(named)), false);
    }
  }

  /** Reports a further missing or damaged Block of a failed node. */
  alsoDamaged(path: Octets, error: Error): void {
    this.#onFailure?.({ path, error, isDamage: true, isAttribute: false });
  }

  /** Returns a function that reports attributes of the node at `path` that could not be set. */
  attributeFailure(path: Octets): AttributeFailure {
    return (what, error) => {
      const lacking = lackingAttribute(what, error, process.geteuid?.() === 0);
      const text = lacking === undefined ? messageOf(error) : `this filesystem cannot hold ${lacking} (said once)`;
      const isSaid = lacking !== undefined && this.#lacking.has(lacking);
      if (lacking !== undefined) this.#lacking.add(lacking);
      this.#add(path, new VtError('EFAILED', `cannot set ${what}: ${text}`, { cause: error }), true, isSaid);
    };
  }

  /** Runs an action, and reports its error for `path`. @returns whether it succeeded */
  attempt(path: Octets, action: () => void): boolean {
    try {
      action();
      return true;
    } catch (error) {
      this.fail(path, error);
      return false;
    }
  }

  #add(path: Octets, error: Error, isAttribute: boolean, isSaid = false): void {
    const failure = { path, error, isDamage: isDamage(error), isAttribute };
    this.counts.failures++;
    if (failure.isDamage) this.counts.damaged++;
    else if (isDenied(error)) this.counts.denied++;
    if (!isSaid) this.#onFailure?.(failure);
  }

  /** Counts written bytes of content. */
  progress(bytes: number): void {
    this.counts.bytes += bytes;
    this.#onProgress?.(this.counts);
  }

  /** @throws {VtError} an error after which the export cannot continue: a full or read-only disk, or cancellation */
  throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }
}

/** The failure of one node, or of one of its attributes. The export continues. */
export interface ExportFailure {
  /** The path in the tree, relative to the exported node; empty for that node itself. */
  readonly path: Octets;
  readonly error: Error;
  /** The cause is a missing or damaged Block. */
  readonly isDamage: boolean;
  /** The node was made, but without this attribute. */
  readonly isAttribute: boolean;
}

/** The counts of an export. */
export interface ExportCounts {
  files: number;
  dirs: number;
  symlinks: number;
  /** FIFOs, sockets and devices. */
  specials: number;
  /** Further names of hard-linked nodes. */
  links: number;
  /** Existing nodes that were kept. */
  skipped: number;
  /** Devices left out because `special` is false. */
  omitted: number;
  /** Bytes of content written. */
  bytes: number;
  failures: number;
  /** Failures because of missing or damaged Blocks. */
  damaged: number;
  /** Failures because of a lack of permission. */
  denied: number;
}
