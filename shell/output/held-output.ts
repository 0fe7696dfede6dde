import { OutputOver } from './output-over.ts';

/** Holds results back until the Store for them is known to be usable. */
export class HeldOutput extends OutputOver {
  #held: (() => Promise<void> | void)[] = [];

  override line(text: string): void {
    this.#held.push(() => this.below.line(text));
  }

  override record(value: Readonly<Record<string, unknown>>): void {
    this.#held.push(() => this.below.record(value));
  }

  override async bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void> {
    const copy = data.slice();
    this.#held.push(async () => await this.below.bytes(copy, of));
    await Promise.resolve();
  }

  /** Prints the held results. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const give of held) await give();
  }
}
