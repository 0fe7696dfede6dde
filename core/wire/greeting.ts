import { ConnectionLostError } from '../base/errors.ts';

/** Octets kept of what came first. */
const MAX_SIZE = 256;

/** What comes first over a connection, until the other side has shown that it speaks the protocol. */
export class Greeting {
  readonly #name: string;
  #octets: Buffer | undefined = Buffer.alloc(0);

  /** @param name - of the other side, for the error */
  constructor(name: string) {
    this.#name = name;
  }

  /**
   * Takes what has come.
   *
   * @returns the error that says so, where a command printed text instead, as a shell that greets. No first packet begins with
   *   six printable octets, since its second is a small tag.
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

  /** A response has come: what follows is not looked at. */
  end(): void {
    this.#octets = undefined;
  }
}
