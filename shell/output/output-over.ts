import type { Output } from '../../commands/command.ts';
import type { Octets } from '../../core/base/octets.ts';

/** An output that forwards everything to another; subclasses change part of it. */
export class OutputOver implements Output {
  protected readonly below: Output;

  constructor(below: Output) {
    this.below = below;
  }

  get json(): boolean {
    return this.below.json;
  }

  get terminal(): boolean {
    return this.below.terminal;
  }

  get columns(): number {
    return this.below.columns;
  }

  line(text: string): void {
    this.below.line(text);
  }

  record(value: Readonly<Record<string, unknown>>): void {
    this.below.record(value);
  }

  async bytes(data: Uint8Array, of?: Readonly<Record<string, unknown>>): Promise<void> {
    await this.below.bytes(data, of);
  }

  name(octets: Octets): string {
    return this.below.name(octets);
  }

  style(...[kind, text]: Parameters<Output['style']>): string {
    return this.below.style(kind, text);
  }
}
