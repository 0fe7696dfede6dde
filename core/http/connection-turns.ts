import type { Socket } from 'node:net';

/** Requests that a connection may send before it has its answers. Browsers send one. */
const MAX_WAITING = 32;

/**
 * Answers the requests of a connection one by one. They may come all at once, in one packet: then each would read ahead, and hold that
 * until those before it are sent.
 */
export class ConnectionTurns {
  readonly #connections = new WeakMap<Socket, { last: Promise<void>; count: number }>();

  /** Runs `answer`, which never rejects, after those of the connection that came before. A connection with too many of them is ended. */
  async take(socket: Socket, answer: () => Promise<void>): Promise<void> {
    const connection = this.#connections.get(socket) ?? { last: Promise.resolve(), count: 0 };
    this.#connections.set(socket, connection);
    if (connection.count >= MAX_WAITING) {
      socket.destroy();
      return;
    }
    connection.count++;
    connection.last = connection.last.then(async () => {
      if (!socket.destroyed) await answer();
      connection.count--;
    });
    await connection.last;
  }
}
