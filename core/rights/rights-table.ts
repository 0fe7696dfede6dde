import { readFileSync, statSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';
import { OWNER } from './rights.ts';
import type { RightsHolder } from './rights-line.ts';
import { holderOf, parseRightsLine } from './rights-line.ts';

/** Those who have rights, and which. */
export interface RightsTable {
  /** Those who have them now. Of a line that stays as it is the holder is the same object. */
  holders(): readonly RightsHolder[];
}

/** A table of one secret, whose holder may do everything. */
export function ownerTable(secret: Uint8Array): RightsTable {
  const holders = [holderOf('owner', secret, OWNER)];
  return { holders: () => holders };
}

/** Lines that give rights: who says hello is looked for among all of them. */
const MAX_HOLDERS = 1000;
/** Permissions of group and others. */
const OTHERS = 0o077;

/** Milliseconds after a change in which another may leave the file's times as they are. */
const TIME_STEP_MS = 1000;

/**
 * A table in a file, a line each. It is looked at for each question: what is removed from it is a right no longer from then on. A line that
 * cannot be read gives none, nor does a file that cannot be.
 */
export class RightsFile implements RightsTable {
  readonly #file: string;
  readonly #onNotice: (notice: string) => void;
  #holders = new Map<string, RightsHolder>();
  #list: readonly RightsHolder[] = [];
  #seen = '';
  #readAtMs = 0;

  private constructor(file: string, onNotice: (notice: string) => void) {
    this.#file = file;
    this.#onNotice = onNotice;
  }

  /**
   * @param onNotice - called with what cannot be read later, in a sentence
   * @throws {VtError} EOPEN where it cannot be read, EPERM where others may read or write it, EUSAGE for a line that gives no rights
   */
  static open(file: string, onNotice: (notice: string) => void): RightsFile {
    const table = new RightsFile(file, onNotice);
    const faults: VtError[] = [];
    table.#read((fault) => faults.push(fault));
    if (faults[0] !== undefined) throw faults[0];
    return table;
  }

  holders(): readonly RightsHolder[] {
    if (this.#isAsSeen()) return this.#list;
    this.#read(({ message }) => this.#onNotice(message));
    return this.#list;
  }

  #isAsSeen(): boolean {
    const seen = identityOf(this.#file);
    return seen?.text === this.#seen && seen.changedMs + TIME_STEP_MS < this.#readAtMs;
  }

  #read(onFault: (fault: VtError) => void): void {
    const before = this.#seen;
    const seen = identityOf(this.#file);
    this.#seen = seen?.text ?? '';
    this.#readAtMs = Date.now();
    // What was reported once need not be reported each time that the file is read again for its times alone.
    const tell = before === this.#seen && before !== '' ? (): void => undefined : onFault;
    const holders = new Map<string, RightsHolder>();
    try {
      for (const [i, line] of this.#lines().entries()) this.#readLine(holders, line, i + 1, tell);
    } catch (error) {
      holders.clear();
      tell(error instanceof VtError ? error : new VtError('EOPEN', `read rights "${this.#file}": ${errorReason(error)}`, { cause: error }));
    }
    this.#holders = holders;
    this.#list = [...holders.values()];
  }

  #lines(): string[] {
    requireTrusted(this.#file, 'rights');
    const { mode } = statSync(this.#file);
    if ((mode & OTHERS) !== 0)
      throw new VtError('EPERM', `rights "${this.#file}" can be read by others`, { remedy: `run: chmod 600 ${this.#file}` });
    return readFileSync(this.#file, 'latin1').split(/\r?\n/);
  }

  #readLine(holders: Map<string, RightsHolder>, line: string, number: number, onFault: (fault: VtError) => void): void {
    try {
      const holder = this.#holders.get(line) ?? parseRightsLine(line);
      if (holder === undefined) return;
      if (holders.size >= MAX_HOLDERS) throw new VtError('EUSAGE', `at most ${MAX_HOLDERS} lines are allowed`);
      for (const { name, digest } of holders.values()) {
        if (name === holder.name) throw new VtError('EUSAGE', `"${name}" has a line already`);
        if (Buffer.compare(digest, holder.digest) === 0) throw new VtError('EUSAGE', `"${holder.name}": "${name}" has the same secret`);
      }
      holders.set(line, holder);
    } catch (error) {
      if (!(error instanceof VtError)) throw error;
      const { code, message, remedy } = error;
      onFault(new VtError(code, `read rights "${this.#file}", line ${number}: ${message}`, remedy === undefined ? {} : { remedy }));
    }
  }
}

/** What tells a file from what it was before, and when that came to be; undefined where there is none. */
function identityOf(file: string): { readonly text: string; readonly changedMs: number } | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { dev, ino, size, mode, uid, mtimeMs, ctimeMs } = found;
  return { text: [dev, ino, size, mode, uid, mtimeMs, ctimeMs].join(' '), changedMs: Math.max(mtimeMs, ctimeMs) };
}
