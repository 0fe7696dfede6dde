import { randomUUID } from 'node:crypto';
import { read, readSync } from 'node:fs';
import { createServer, Socket } from 'node:net';

/** Answers the requests of a mount. */
export interface RequestTaker {
  /** Takes one request. Its bytes may be overwritten once this returns. */
  take(bytes: Buffer): void;
  /** The mount has ended. Resolves when nothing is being written to the descriptor, so that another file may get its number. */
  end(): Promise<void>;
}

/** Reads the requests of a mount until it has ended. */
export interface RequestReader {
  /** Resolves when no more requests will come: the mount has ended, or `close` was called. */
  readonly ended: Promise<void>;
  /** Stops reading and closes the descriptor. */
  close(): void;
}

/** Which mechanism waits for requests: the event loop or the thread pool. */
export type ReaderKind = 'loop' | 'pool';

/** Requests read directly after one from the event loop, at most. Then other events get their turn. */
const MAX_DRAINED = 8;

/** Requests to wait after a direct read found none. A failed attempt costs as much as a quarter of a request. */
const DRAIN_PAUSE = 64;

/**
 * Reads requests from a descriptor of `/dev/fuse` that does not block, each with one read into one buffer.
 *
 * The event loop itself waits for requests if Node accepts a descriptor of this kind. That answers twice as many
 * requests a second as reads on the thread pool, which are the fallback.
 *
 * @param size - bytes of the largest request
 * @param kind - `pool` to read on the thread pool in any case
 */
export function readRequests(fd: number, size: number, taker: RequestTaker, kind: ReaderKind = 'loop'): RequestReader {
  return (kind === 'loop' ? polledReader(fd, size, taker) : undefined) ?? pooledReader(fd, size, taker);
}

interface PipeHandle {
  open(fd: number): number | undefined;
  /** Closes the descriptor at once. */
  close(done?: () => void): void;
}

type PipeConstructor = new (kind: number) => PipeHandle;

/** Kind of a handle that is an ordinary stream. */
const PIPE_SOCKET = 0;

/**
 * Node's own handle of a stream over any descriptor, as a server has one: not part of its interface, but the same in
 * versions 20 to 26. A server listens briefly, at a name that no file has, only to obtain the handle's constructor.
 */
function pipeConstructor(): PipeConstructor | undefined {
  const server = createServer();
  server.on('error', () => undefined);
  try {
    server.listen({ path: `\0vtftp-${randomUUID()}` });
    const { _handle: handle } = server as unknown as { readonly _handle: { readonly constructor: unknown } | null };
    return typeof handle?.constructor === 'function' ? (handle.constructor as PipeConstructor) : undefined;
  } catch {
    return undefined;
  } finally {
    server.close();
  }
}

/** Reads requests that wait behind one from the event loop, if that has succeeded lately. */
class Drain {
  readonly #fd: number;
  readonly #buffer: Buffer;
  readonly #taker: RequestTaker;
  #pause = 0;

  constructor(fd: number, buffer: Buffer, taker: RequestTaker) {
    this.#fd = fd;
    this.#buffer = buffer;
    this.#taker = taker;
  }

  run(): void {
    if (this.#pause > 0) {
      this.#pause--;
      return;
    }
    const { stackTraceLimit } = Error;
    // EAGAIN is an ordinary result, and capturing an error's stack costs more than the read.
    Error.stackTraceLimit = 0;
    try {
      for (let left = MAX_DRAINED; left > 0; left--) {
        const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
        Error.stackTraceLimit = stackTraceLimit;
        this.#taker.take(this.#buffer.subarray(0, length));
        Error.stackTraceLimit = 0;
      }
    } catch {
      // The event loop will get the same error.
      this.#pause = DRAIN_PAUSE;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

function polledReader(fd: number, size: number, taker: RequestTaker): RequestReader | undefined {
  const Pipe = pipeConstructor();
  if (Pipe === undefined) return undefined;
  let socket: Socket;
  const buffer = Buffer.allocUnsafeSlow(size);
  const drain = new Drain(fd, buffer, taker);
  try {
    const handle = new Pipe(PIPE_SOCKET);
    handle.open(fd);
    const close = handle.close.bind(handle);
    handle.close = (done) => void taker.end().then(() => close(done));
    const options = {
      handle,
      readable: true,
      writable: false,
      onread: {
        buffer,
        callback(length: number): boolean {
          taker.take(buffer.subarray(0, length));
          drain.run();
          return true;
        },
      },
    };
    socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  } catch {
    return undefined;
  }
  const ended = new Promise<void>((resolve) => {
    // ENODEV means that the mount has ended.
    socket.once('error', () => undefined);
    socket.once('close', () => resolve());
    socket.once('end', () => socket.destroy());
  });
  socket.resume();
  return { ended, close: () => socket.destroy() };
}

/** Reads on the thread pool. A non-blocking descriptor gives EAGAIN: the read is repeated after a growing pause. */
function pooledReader(fd: number, size: number, taker: RequestTaker): RequestReader {
  let closed = false;
  const buffer = Buffer.allocUnsafeSlow(size);
  const ended = new Promise<void>((resolve) => {
    const end = (): void => void taker.end().then(resolve);
    let pauseMs = 0;
    const next = (): void => {
      if (closed) {
        end();
        return;
      }
      read(fd, buffer, 0, size, null, (error, length) => {
        if (error === null) {
          pauseMs = 0;
          taker.take(buffer.subarray(0, length));
          next();
        } else if (error.code === 'EAGAIN') {
          pauseMs = Math.min(4, pauseMs + 1);
          setTimeout(next, pauseMs);
        } else if (error.code === 'EINTR' || error.code === 'ENOENT') next();
        else end();
      });
    };
    next();
  });
  return {
    ended,
    close() {
      closed = true;
    },
  };
}
