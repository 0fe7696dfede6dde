import { VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { errorCode } from '../base/system/system-error.ts';
import { isDamage } from '../tree/walk.ts';
import type { AttributeFailure } from './export-attributes.ts';
import { messageOf } from './export-io.ts';
import { lackingAttribute, nameError } from './filesystem-lacks.ts';

/** Errors after which nothing more can be written. */
const FATAL_CODES: readonly string[] = ['ENOSPC', 'EDQUOT', 'EROFS'];

/** Whether an error, or what caused it, is for lack of permission. */
function isDenied(error: unknown): boolean {
  const code = errorCode(error);
  if (code === 'EACCES' || code === 'EPERM') return true;
  return error instanceof Error && error.cause !== undefined && isDenied(error.cause);
}

/** The counts of an export that has done nothing. */
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

/** What an export did, and what failed. */
export class ExportReport {
  readonly counts: ExportCounts = { ...NO_EXPORT_COUNTS };
  readonly #target: Octets;
  readonly #onFailure: ((failure: ExportFailure) => void) | undefined;
  readonly #onProgress: ((counts: Readonly<ExportCounts>) => void) | undefined;
  /** What the filesystem cannot hold, of each node: said once. */
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

  /** Reports one more missing or damaged Block of a node that has failed. */
  alsoDamaged(path: Octets, error: Error): void {
    this.#onFailure?.({ path, error, isDamage: true, isAttribute: false });
  }

  /** Reports what could not be set of a node that is there. */
  attributeFailure(path: Octets): AttributeFailure {
    return (what, error) => {
      const lacking = lackingAttribute(what, error, process.geteuid?.() === 0);
      const text = lacking === undefined ? messageOf(error) : `this filesystem cannot hold ${lacking} (said once)`;
      const isSaid = lacking !== undefined && this.#lacking.has(lacking);
      if (lacking !== undefined) this.#lacking.add(lacking);
      this.#add(path, new VtError('EFAILED', `cannot set ${what}: ${text}`, { cause: error }), true, isSaid);
    };
  }

  /** Runs an action; its error is reported for `path`. */
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

  /** Content was written. */
  progress(bytes: number): void {
    this.counts.bytes += bytes;
    this.#onProgress?.(this.counts);
  }

  /** @throws {VtError} what makes continuing pointless: a full disk, or the signal */
  throwIfFatal(): void {
    if (this.#fatal !== undefined) throw this.#fatal;
  }
}

/** Something of an export that failed while the rest continued. */
export interface ExportFailure {
  /** In the tree, relative to what is exported; empty for that itself. */
  readonly path: Octets;
  readonly error: Error;
  /** It failed for a missing or damaged Block. */
  readonly isDamage: boolean;
  /** The node is there, but for an attribute. */
  readonly isAttribute: boolean;
}

/** What an export did. */
export interface ExportCounts {
  files: number;
  dirs: number;
  symlinks: number;
  /** FIFOs, sockets and devices. */
  specials: number;
  /** Names given to nodes that had one. */
  links: number;
  /** Nodes that were there already and were left alone. */
  skipped: number;
  /** Devices that were left out, as it was asked for. */
  omitted: number;
  /** Bytes of content written. */
  bytes: number;
  failures: number;
  /** Those of the failures that are for missing or damaged Blocks. */
  damaged: number;
  /** Those of the failures that are for lack of permission. */
  denied: number;
}
