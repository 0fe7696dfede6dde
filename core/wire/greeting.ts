import { ConnectionLostError } from '../base/errors.ts';

/** First octets that are kept, at most. */
const MAX_SIZE = 256;

/** Examines the first octets of a connection, until the other side has proved that it speaks the protocol. */
export class Greeting {
  readonly #name: string;
  #octets: Buffer | undefined = Buffer.alloc(0);

  /** @param name - name of the other side, for the error */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Takes the next octets received.
   *
   * @returns an error if the other side printed text instead, as a shell with a greeting does. No first packet begins with
   *   six printable octets, since its second octet is a small tag.
   */
  take(chunk: Buffer): ConnectionLostError | undefined {
    if (this.#octets === undefined || this.#octets.length >= MAX_SIZE) return undefined;
    this.#octets = Buffer.concat([this.#octets, chunk.subarray(0, MAX_SIZE)]);
    const line = /^\s*([\t\x20-\x7e]{6,})/.exec(this.#octets.toString('latin1'))?.[1];
    if (line === undefined) return undefined;
    const shown = Buffer.from(line, 'latin1').toString('utf8').slice(0, 40).trim();
    return new ConnectionLostError(
      this.#name,
      `the command printed text before the protocol began ("${shown}${line.length > 40 ? '…' : ''}")`,
      { remedy: 'the remote shell must print nothing' },
    );
  }

  /** Stops the examination: a response has arrived. */
  end(): void {
    this.#octets = undefined;
  }
}
