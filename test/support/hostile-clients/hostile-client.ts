import type { Duplex } from 'node:stream';
import { encodePacket } from '../../../core/wire/packet.ts';
import type { Json } from '../../../core/wire/payload.ts';
import { encodeJson } from '../../../core/wire/payload.ts';
import { REQUEST, REQUEST_FLAG } from '../../../core/wire/requests.ts';

/** A connection of somebody who means harm. */
export class HostileClient {
  readonly #socket: Duplex;
  #tag = 2;
  /** Resolves when it has ended, however. */
  readonly ended: Promise<void>;

  constructor(socket: Duplex) {
    this.#socket = socket;
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    socket.on('error', () => undefined);
  }

  /** Whether it can still be written to. */
  get isOpen(): boolean {
    return this.#socket.writable;
  }

  /** Takes what comes, and forgets it. */
  listen(): this {
    if (this.#socket.listenerCount('data') === 0) this.#socket.on('data', () => undefined);
    return this;
  }

  /** Says hello as our own clients do. */
  hello(): this {
    return this.ask(REQUEST.hello, new Uint8Array(0), { version: 1 });
  }

  /** Asks something. */
  ask(request: number, payload: Uint8Array, json?: Json): this {
    const body = json === undefined ? payload : Buffer.concat([encodeJson(json), payload]);
    const flags = json === undefined ? 0 : REQUEST_FLAG.json;
    return this.octets(encodePacket({ tag: this.#tag++, channel: 0, request, flags, payload: body }));
  }

  /** Sends octets, whatever they are. */
  octets(data: Uint8Array): this {
    if (this.#socket.writable) this.#socket.write(data);
    return this;
  }

  /** Resolves when what was sent has gone, or the connection has. */
  async drained(): Promise<void> {
    if (!this.#socket.writableNeedDrain || this.#socket.destroyed) return;
    await Promise.race([new Promise((resolve) => this.#socket.once('drain', resolve)), this.ended]);
  }

  /** Ends without a word. */
  leave(): void {
    this.#socket.destroy();
  }
}
