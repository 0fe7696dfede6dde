import type { Socket } from 'node:net';

/** Milliseconds that an answer may take before its connection has to give way. */
const BUSY_MS = 5000;

/**
 * Keeps connections within a number. Whoever comes takes the place of the one that has been silent longest, so that nobody who opens
 * many and says nothing shuts others out.
 */
export class ConnectionLimit {
  readonly #max: number;
  /** Those that nothing was asked on yet, or whose answers are sent; the longest silent first. */
  readonly #idle = new Map<string, Socket>();
  /** Those that are answered, and since when; the longest first. */
  readonly #busy = new Map<string, { readonly socket: Socket; readonly sinceMs: number }>();

  constructor(max: number) {
    this.#max = max;
  }

  /** There is a new connection. */
  opened(socket: Socket): void {
    const name = nameOf(socket);
    if (this.#idle.size + this.#busy.size >= this.#max && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    this.#idle.set(name, socket);
    socket.once('close', () => {
      this.#idle.delete(name);
      this.#busy.delete(name);
    });
  }

  /** A request of a connection is answered, until the function is called that is given. */
  busy(socket: Socket): () => void {
    const name = nameOf(socket);
    const known = this.#idle.get(name);
    if (known === undefined) return () => undefined;
    this.#idle.delete(name);
    this.#busy.set(name, { socket: known, sinceMs: performance.now() });
    return () => {
      if (this.#busy.delete(name)) this.#idle.set(name, known);
    };
  }

  #makeRoom(): boolean {
    const [idle] = this.#idle;
    const [busy] = this.#busy;
    if (idle !== undefined) {
      this.#idle.delete(idle[0]);
      idle[1].destroy();
      return true;
    }
    if (busy === undefined || performance.now() - busy[1].sinceMs < BUSY_MS) return false;
    this.#busy.delete(busy[0]);
    busy[1].socket.destroy();
    return true;
  }
}

/** The same for a connection and for what TLS makes of it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
