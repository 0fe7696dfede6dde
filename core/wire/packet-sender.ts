import type { Writable } from 'node:stream';
import { encodeHead, type Packet } from './packet.ts';

/** A packet without its payload. */
export type PacketHead = Omit<Packet, 'payload' | 'release' | 'giveRoom'>;

/** Writes packets. Those of one pass of the event loop are written with one call. */
export class PacketSender {
  readonly #output: Writable;
  #isCorked = false;

  constructor(output: Writable) {
    this.#output = output;
  }

  /**
   * Writes a packet. The parts are referred to, not copied.
   *
   * @param release - called once the last part has been sent
   */
  send(head: PacketHead, parts: readonly Uint8Array[], size: number, release?: () => void): void {
    const output = this.#output;
    if (!this.#isCorked) {
      this.#isCorked = true;
      output.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        output.uncork();
      });
    }
    output.write(encodeHead(head, size));
    const last = parts.at(-1);
    for (const part of parts)
      if (part === last && release !== undefined) output.write(part, (error) => (error ? undefined : release()));
      else if (part.length > 0) output.write(part);
  }
}
