import { PathError, VtError } from '../base/errors.ts';
import type { Octets } from '../base/octets.ts';
import { octetsToText } from '../base/octets.ts';
import { errorCode, errorReason } from '../base/system/system-error.ts';
import { UntrustedLinkError } from '../base/system/trusted-open.ts';
import { isDamage } from '../tree/walk.ts';

/** What a full Store says, if it says it in the system's own words. */
const STORE_CODES: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG', 'EROFS']);

/** Whether an error is about one file or one path: others can continue. What goes wrong with the Store does so for all. */
export function isItemError(error: unknown): boolean {
  if (error instanceof VtError) return error instanceof PathError || error instanceof UntrustedLinkError || isDamage(error);
  const code = errorCode(error);
  return code !== undefined && !STORE_CODES.has(code);
}

/** What goes wrong with single items while the others continue: each is reported when it begins, and when it is over. */
export class ItemFailures {
  readonly #command: string;
  readonly #onNotice: (notice: string) => void;
  readonly #reasons = new Map<Octets, string>();

  constructor(command: string, onNotice: (notice: string) => void) {
    this.#command = command;
    this.#onNotice = onNotice;
  }

  /** An item failed. @throws the error, if it is one of all items */
  note(item: Octets, error: unknown): void {
    if (!isItemError(error)) throw error;
    this.add(item, errorReason(error));
  }

  /** An item failed for a reason. */
  add(item: Octets, reason: string): void {
    if (!this.#reasons.has(item)) this.#onNotice(`${this.#command} "${octetsToText(item)}": ${reason}; trying again, the others continue`);
    this.#reasons.set(item, reason);
  }

  /** An item is well, or gone. */
  clear(item: Octets): void {
    if (this.#reasons.delete(item)) this.#onNotice(`${this.#command} "${octetsToText(item)}": it works again`);
  }

  has(item: Octets): boolean {
    return this.#reasons.has(item);
  }

  get items(): Octets[] {
    return [...this.#reasons.keys()];
  }

  /** One of them, and how many more there are; undefined where there is none. */
  get text(): string | undefined {
    const [first] = this.#reasons;
    if (first === undefined) return undefined;
    const more = this.#reasons.size > 1 ? ` and ${this.#reasons.size - 1} more` : '';
    return `"${octetsToText(first[0])}": ${first[1]}${more}`;
  }
}
