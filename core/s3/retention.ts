import { createHash } from 'node:crypto';

const DAY_MS = 86_400_000;

/** Until when an object cannot be removed. Only keys with the right to lift governance can remove it earlier; a writer's keys need not have it. */
const MODE = 'GOVERNANCE';

/** What of a Store goes again by itself: locks, signs of life. */
const PASSING = /^sessions\/|^gc\/|(?:^|\/)~lock-/;

/** Keeps objects from being removed or replaced for some days: Object Lock, where the bucket has it. */
export class Retention {
  readonly #days: number;

  constructor(days: number) {
    this.#days = days;
  }

  /** Milliseconds that an object has been there for after which it is to be renewed: half of the time that is left by then. */
  get renewAfterMs(): number {
    return (this.#days * DAY_MS) / 2;
  }

  /** Whether an object is to stay: locks and signs of life go by themselves. */
  keeps(key: string): boolean {
    return !PASSING.test(key);
  }

  /** Headers of a PUT of an object; none for what goes again. @param nowMs - the service's time */
  headersFor(key: string, body: Uint8Array, nowMs: number): Record<string, string> {
    if (!this.keeps(key)) return {};
    return {
      'x-amz-object-lock-mode': MODE,
      'x-amz-object-lock-retain-until-date': this.#until(nowMs),
      ...checkedBody(body),
    };
  }

  /** What a PUT of the retention of an object has. */
  renewal(nowMs: number): { readonly body: Buffer; readonly headers: Record<string, string> } {
    const fields = `<Mode>${MODE}</Mode><RetainUntilDate>${this.#until(nowMs)}</RetainUntilDate>`;
    const body = Buffer.from(`<Retention xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${fields}</Retention>`);
    return { body, headers: checkedBody(body) };
  }

  #until(nowMs: number): string {
    return new Date(nowMs + this.#days * DAY_MS).toISOString();
  }
}

/** Services demand a checksum with what cannot be replaced. */
function checkedBody(body: Uint8Array): Record<string, string> {
  return { 'content-md5': createHash('md5').update(body).digest('base64') };
}
