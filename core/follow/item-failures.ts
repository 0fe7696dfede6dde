import { PathError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import { UntrustedLinkError } from '../base/system/trusted-open.ts';
import { isDamage } from '../tree/walk.ts';

/** System error codes that concern the Store, not the file that is read: it is full or read-only. */
const STORE_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

/** Whether an error concerns one file or path, so that the others can continue. An error of the Store concerns all. */
export function isItemError(error: unknown): boolean {
  if (error instanceof VtError) return error instanceof PathError || error instanceof UntrustedLinkError || isDamage(error);
  const code = errorCode(error);
  return code !== undefined && !STORE_CODES.has(code);
}

/** Failures of single items while the others continue. Each is reported when it begins and when it ends. */
export class ItemFailures {
  readonly #command: string;
  readonly #onNotice: (notice: string) => void;
  readonly #reasons = new Map<Octets, string>();

  constructor(command: string, onNotice: (notice: string) => void) {
    this.#command = command;
    this.#onNotice = onNotice;
  }

  /** Notes a failed item. @throws the error, if it concerns all items */
  note(item: Octets, error: unknown): void {
    if (!isItemError(error)) throw error;
    this.add(item, errorReason(error));
  }

  /** Notes a failed item and the reason. */
  add(item: Octets, reason: string): void {
    if (!this.#reasons.has(item)) this.#onNotice(`${this.#command} "${octetsToText(item)}": ${reason}; trying again, the others continue`);
    this.#reasons.set(item, reason);
  }

  /** Notes that an item works again, or is gone. */
  clear(item: Octets): void {
    if (this.#reasons.delete(item)) this.#onNotice(`${this.#command} "${octetsToText(item)}": it works again`);
  }

  has(item: Octets): boolean {
    return this.#reasons.has(item);
  }

  get items(): Octets[] {
    return [...this.#reasons.keys()];
  }

  /** The first failure, and the number of others; undefined if there is none. */
  get text(): string | undefined {
    const [first] = this.#reasons;
    if (first === undefined) return undefined;
    const more = this.#reasons.size > 1 ? ` and ${this.#reasons.size - 1} more` : '';
    return `"${octetsToText(first[0])}": ${first[1]}${more}`;
  }
}
