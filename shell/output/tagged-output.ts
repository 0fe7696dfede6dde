import type { Output } from '../../commands/command.ts';
import type { Octets } from '../../core/base/octets.ts';

/** What every object of an answer says: which request it belongs to, and which command it comes from. */
export interface Tag {
  readonly id?: string | number;
  readonly command?: string;
}

/** Results of one command, each of whose objects names it. Text goes through as it is. */
export class TaggedOutput implements Output {
  readonly #output: Output;
  readonly #tag: Tag;

  constructor(output: Output, tag: Tag) {
    this.#output = output;
    this.#tag = tag;
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
    this.#output.line(text);
  }

  record(value: Readonly<Record<string, unknown>>): void {
    this.#output.record({ ...this.#tag, ...value });
  }

  async bytes(data: Uint8Array, of: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.#output.bytes(data, { ...this.#tag, ...of });
  }

  name(octets: Octets): string {
    return this.#output.name(octets);
  }

  style(...[kind, text]: Parameters<Output['style']>): string {
    return this.#output.style(kind, text);
  }
}
