import type { Output } from '../../commands/command.ts';
import type { Octets } from '../../core/base/octets.ts';

/** Leaves out what a command says of its work: `-q`. Records go through, for programs ask for them by `--json`. */
export class QuietOutput implements Output {
  readonly #output: Output;

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

  line(): void {}

  record(value: Readonly<Record<string, unknown>>): void {
    this.#output.record(value);
  }

  async bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#output.bytes(data, of);
  }

  name(octets: Octets): string {
    return this.#output.name(octets);
  }

  style(...[kind, text]: Parameters<Output['style']>): string {
    return this.#output.style(kind, text);
  }
}
