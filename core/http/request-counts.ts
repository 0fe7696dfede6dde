/** Counts the requests of a server. */
export class RequestCounts {
  /** Answers by the first digit of their status. */
  readonly byClass = new Map<number, number>([2, 3, 4, 5].map((code) => [code, 0]));
  /** Requests in progress. */
  open = 0;

  /** Notes that an answer begins. */
  begun(): void {
    this.open++;
  }

  /** Notes that an answer was sent, or its connection ended. */
  ended(status: number): void {
    this.open--;
    const code = Math.floor(status / 100);
    this.byClass.set(code, (this.byClass.get(code) ?? 0) + 1);
  }
}
