import type { Output } from '../../commands/command.ts';
import type { Octets } from '../../core/base/octets.ts';

/** Results that are kept until it is known that they are true. */
export class HeldOutput implements Output {
  readonly #output: Output;
  #held: (() => Promise<void> | void)[] = [];

  constructor(output: Output) {
    this.#output = output;
  }

  get json(): boolean {
    return this.#output.json;
  }

  get terminal(): boolean {
    return this.#output.terminal;
  }

  get columns(): number {
    return this.#output.columns;
  }

  line(text: string): void {
    this.#held.push(() => this.#output.line(text));
  }

  record(value: Readonly<Record<string, unknown>>): void {
    this.#held.push(() => this.#output.record(value));
  }

  async bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void> {
    const copy = data.slice();
    this.#held.push(async () => await this.#output.bytes(copy, of));
    await Promise.resolve();
  }

  name(octets: Octets): string {
    return this.#output.name(octets);
  }

  style(...how: Parameters<Output['style']>): string {
    const [kind, text] = how;
    return this.#output.style(kind, text);
  }

  /** Lets out what is held. */
  async release(): Promise<void> {
    const held = this.#held;
    this.#held = [];
    for (const give of held) await give();
  }
}
