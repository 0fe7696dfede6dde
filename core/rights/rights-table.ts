import { readFileSync, statSync } from 'node:fs';
import { VtError } from '../base/errors.ts';
import { errorReason } from '../base/system/system-error.ts';
import { requireTrusted } from '../base/system/trusted-file.ts';
import { OWNER } from './rights.ts';
import type { RightsHolder } from './rights-line.ts';
import { holderOf, parseRightsLine } from './rights-line.ts';

/** The clients with rights. */
export interface RightsTable {
  /** The present holders. An unchanged line keeps its object. */
  holders(): readonly RightsHolder[];
}

/** A table with one secret, whose holder may do everything. */
export function ownerTable(secret: Uint8Array): RightsTable {
  const holders = [holderOf('owner', secret, OWNER)];
  return { holders: () => holders };
}

/** Lines that give rights, at most: each new connection is compared with all of them. */
const MAX_HOLDERS = 1000;
/** The permission bits of group and others. */
const OTHERS = 0o077;

/** Milliseconds after a change in which a second change may keep the same timestamps. */
const TIME_STEP_MS = 1000;

/**
 * A table in a file, one holder per line. The file is checked at each question, so removing a line takes effect at once. A line that cannot
 * be read gives no rights. An unreadable file gives none at all.
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
   * @param onNotice - called with a sentence for each later fault
   * @throws {VtError} EOPEN if it cannot be read, EPERM if others may read or write it, EUSAGE for an invalid line
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
    // A recent file is read again though unchanged: do not repeat its faults then.
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

/** Identifies the version of a file, and the time of its last change; undefined if there is no file. */
function identityOf(file: string): { readonly text: string; readonly changedMs: number } | undefined {
  const found = statSync(file, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  const { dev, ino, size, mode, uid, mtimeMs, ctimeMs } = found;
  return { text: [dev, ino, size, mode, uid, mtimeMs, ctimeMs].join(' '), changedMs: Math.max(mtimeMs, ctimeMs) };
}
