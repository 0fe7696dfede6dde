import type { ServerResponse } from 'node:http';

/** Counts the requests of a server. */
export class RequestCounts {
  /** By the first digit of the status that was sent. */
  readonly byClass = new Map<number, number>([2, 3, 4, 5].map((code) => [code, 0]));
  /** Requests that are being answered. */
  open = 0;

  /** Counts an answer that is to be given. */
  begin(response: ServerResponse): void {
    this.open++;
    response.once('close', () => {
      this.open--;
      const code = Math.floor(response.statusCode / 100);
      this.byClass.set(code, (this.byClass.get(code) ?? 0) + 1);
    });
  }
}
