import type { Output } from '../../commands/command.ts';
import { OutputOver } from './output-over.ts';

/** Fields of every object of an answer: its request and its command. */
export interface Tag {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
}

/** Results of one command, each of whose objects names it. Text goes through as it is. */
export class TaggedOutput extends OutputOver {
  readonly #tag: Tag;

  constructor(below: Output, tag: Tag) {
    super(below);
    this.#tag = tag;
  }

  override record(value: Readonly<Record<string, unknown>>): void {
    this.below.record({ ...this.#tag, ...value });
  }

  override async bytes(data: Uint8Array, of: Readonly<Record<string, unknown>> = {}): Promise<void> {
    await this.below.bytes(data, { ...this.#tag, ...of });
  }
}
