import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Requests that a connection may send before it has its answers. Browsers send one. */
const MAX_WAITING = 32;

/** What a connection has asked for. */
interface Turns {
  isAnswering: boolean;
  readonly waiting: (() => void)[];
}

/**
 * Answers the requests of a connection one by one. They may come all at once, in one packet: then each would read ahead, and hold that
 * until those before it are sent.
 */
export class ConnectionTurns {
  readonly #connections = new WeakMap<Socket, Turns>();

  /** Begins an answer once those of the connection that came before are sent. A connection with too many of them is ended. */
  take(socket: Socket, response: ServerResponse, answer: () => void): void {
    const turns = this.#connections.get(socket) ?? { isAnswering: false, waiting: [] };
    this.#connections.set(socket, turns);
    if (turns.waiting.length >= MAX_WAITING - 1) {
      socket.destroy();
      return;
    }
    response.on('close', () => {
      turns.isAnswering = false;
      if (!socket.destroyed) turns.waiting.shift()?.();
    });
    const begin = (): void => {
      turns.isAnswering = true;
      answer();
    };
    if (turns.isAnswering) turns.waiting.push(begin);
    else begin();
  }
}
