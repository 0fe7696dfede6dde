import { createHash } from 'node:crypto';

const DAY_MS = 86_400_000;

/** The Object Lock mode. Only keys with the right to bypass governance can remove an object earlier; writers need no such right. */
const MODE = 'GOVERNANCE';

/** Keys of temporary objects: locks and signs of life. */
const PASSING = /^sessions\/|^gc\/|(?:^|\/)~lock-/;

/** Protects objects from removal and replacement for some days, by Object Lock, if the bucket supports it. */
export class Retention {
  readonly #days: number;

  constructor(days: number) {
    this.#days = days;
  }

  /** The age of an object, in milliseconds, at which its retention is to be renewed. */
  get renewAfterMs(): number {
    return (this.#days * DAY_MS) / 2;
  }

  /** Whether an object is protected: locks and signs of life are not. */
  keeps(key: string): boolean {
    return !PASSING.test(key);
  }

  /** Headers for the PUT of an object; none for temporary objects. @param nowMs - the service's time in milliseconds since 1970 */
  headersFor(key: string, body: Uint8Array, nowMs: number): Record<string, string> {
    if (!this.keeps(key)) return {};
    return {
      'x-amz-object-lock-mode': MODE,
      'x-amz-object-lock-retain-until-date': this.#until(nowMs),
      ...checkedBody(body),
    };
  }

  /** Body and headers for the PUT of an object's retention. @param nowMs - as in `headersFor` */
  renewal(nowMs: number): { readonly body: Buffer; readonly headers: Record<string, string> } {
    const fields = `<Mode>${MODE}</Mode><RetainUntilDate>${this.#until(nowMs)}</RetainUntilDate>`;
    const body = Buffer.from(`<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${fields}</Retention>`);
    return { body, headers: checkedBody(body) };
  }

  #until(nowMs: number): string {
    return new Date(nowMs + this.#days * DAY_MS).toISOString();
  }
}

/** The checksum header that services require for protected objects. */
function checkedBody(body: Uint8Array): Record<string, string> {
  return { 'content-md5': createHash('md5').update(body).digest('base64') };
}
