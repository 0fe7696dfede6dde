/** Counts the requests of a server. */
export class RequestCounts {
  /** By the first digit of the status that was sent. */
  readonly byClass = new Map<number, number>([2, 3, 4, 5].map((code) => [code, 0]));
  /** Requests that are being answered. */
  open = 0;

  /** An answer is to be given. */
  begun(): void {
    this.open++;
  }

  /** It was given, or its connection has ended. */
  ended(status: number): void {
    this.open--;
    const code = Math.floor(status / 100);
    this.byClass.set(code, (this.byClass.get(code) ?? 0) + 1);
  }
}
