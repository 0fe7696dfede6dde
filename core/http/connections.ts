import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import type { RequestCounts } from './request-counts.ts';

/** Milliseconds for which an answer may take before its connection may be closed for a new one. */
const BUSY_MS = 5000;
/** Counted for a client that leaves before it has an answer, as nginx counts it. */
const CLIENT_LEFT = 499;
/** Unanswered requests per connection, at most. Browsers send one. */
const MAX_WAITING = 32;

/** Answers a request. */
type Answer = (request: IncomingMessage, response: ServerResponse) => void;

interface Connection {
  readonly name: string;
  readonly socket: Socket;
  /** The answer in progress. */
  response: ServerResponse | undefined;
  /** Start of the answer, or else of the silence, on the monotonic clock in milliseconds. */
  sinceMs: number;
  /** Requests that came meanwhile. */
  readonly waiting: { readonly request: IncomingMessage; readonly response: ServerResponse }[];
  /** Called when the answer has ended. */
  readonly onSent: () => void;
}

/**
 * The connections of a server.
 *
 * Their number is limited. A new connection replaces the one that has been idle longest, so a client with many silent connections cannot
 * lock others out.
 *
 * The requests of one connection are answered one by one. They may all come in one packet: answered in parallel, each would read ahead and
 * hold memory until the ones before it are sent.
 */
export class Connections {
  readonly #max: number;
  readonly #counts: RequestCounts;
  readonly #answer: Answer;
  readonly #byName = new Map<string, Connection>();
  /** By the socket of requests; with TLS it differs from that of the connection. */
  readonly #bySocket = new WeakMap<Socket, Connection>();

  /**
   * @param max - connections at a time
   * @param counts - counts requests and answers
   * @param answer - answers a request
   */
  constructor(max: number, counts: RequestCounts, answer: Answer) {
    this.#max = max;
    this.#counts = counts;
    this.#answer = answer;
  }

  /** Takes a new connection. */
  opened(socket: Socket): void {
    if (this.#byName.size >= this.#max && !this.#makeRoom()) {
      socket.destroy();
      return;
    }
    const name = nameOf(socket);
    const connection: Connection = {
      name,
      socket,
      response: undefined,
      sinceMs: performance.now(),
      waiting: [],
      onSent: () => this.#sent(connection),
    };
    this.#byName.set(name, connection);
    socket.once('close', () => {
      if (this.#byName.get(name) === connection) this.#byName.delete(name);
    });
  }

  /** Answers a request after the earlier ones of its connection. A connection with too many waiting requests is closed. */
  take(request: IncomingMessage, response: ServerResponse): void {
    const connection = this.#of(request.socket);
    if (connection === undefined || connection.waiting.length >= MAX_WAITING - 1) request.socket.destroy();
    else if (connection.response === undefined) this.#begin(connection, request, response);
    else connection.waiting.push({ request, response });
  }

  #begin(connection: Connection, request: IncomingMessage, response: ServerResponse): void {
    connection.response = response;
    connection.sinceMs = performance.now();
    this.#counts.begun();
    response.on('close', connection.onSent);
    this.#answer(request, response);
  }

  #of(socket: Socket): Connection | undefined {
    const known = this.#bySocket.get(socket);
    if (known !== undefined) return known;
    const named = this.#byName.get(nameOf(socket));
    if (named !== undefined) this.#bySocket.set(socket, named);
    return named;
  }

  #sent(connection: Connection): void {
    const { response } = connection;
    this.#counts.ended(response?.headersSent === true ? response.statusCode : CLIENT_LEFT);
    connection.response = undefined;
    connection.sinceMs = performance.now();
    if (connection.waiting.length === 0 || connection.socket.destroyed) return;
    const next = connection.waiting.shift();
    if (next !== undefined) this.#begin(connection, next.request, next.response);
  }

  /** Closes a connection to make room. @returns whether it could */
  #makeRoom(): boolean {
    let idle: Connection | undefined;
    let busy: Connection | undefined;
    for (const connection of this.#byName.values()) {
      if (connection.response === undefined) idle = elder(idle, connection);
      else busy = elder(busy, connection);
    }
    if (idle === undefined && (busy === undefined || performance.now() - busy.sinceMs < BUSY_MS)) return false;
    const gone = idle ?? busy;
    if (gone === undefined) return false;
    this.#byName.delete(gone.name);
    gone.socket.destroy();
    return true;
  }
}

function elder(one: Connection | undefined, other: Connection): Connection {
  return one === undefined || other.sinceMs < one.sinceMs ? other : one;
}

/** A key that a connection shares with the TLS socket over it. */
function nameOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress} ${remotePort}`;
}
