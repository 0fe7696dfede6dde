import { randomUUID } from 'node:crypto';
import { read, readSync } from 'node:fs';
import { createServer, Socket } from 'node:net';

/** Takes one request at a time; its octets may be overwritten once it returns. */
export type TakeRequest = (bytes: Buffer) => void;

/** Reads the requests of a mount until it is gone. */
export interface RequestReader {
  /** Resolves when there will be no more: the mount is gone, or `close` was called. */
  readonly ended: Promise<void>;
  /** Stops reading and closes the descriptor. */
  close(): void;
}

/** Who waits for requests. */
export type ReaderKind = 'loop' | 'pool';

/** Requests that are read at once after one that the event loop has brought, at most: then others have their turn. */
const MAX_DRAINED = 8;

/** Requests after one that found nothing behind it before it is tried again: an attempt in vain costs as much as a quarter of a request. */
const DRAIN_PAUSE = 64;

/**
 * Reads requests from a descriptor of `/dev/fuse` that does not block, each with one read into one buffer.
 *
 * The event loop itself waits for them where Node lets it have a descriptor of this sort. That answers twice as many
 * requests a second as reads on the thread pool, which serve otherwise.
 *
 * @param size - octets of the largest request
 * @param kind - `pool` to read on the thread pool in any case
 */
export function readRequests(fd: number, size: number, take: TakeRequest, kind: ReaderKind = 'loop'): RequestReader {
  return (kind === 'loop' ? polledReader(fd, size, take) : undefined) ?? pooledReader(fd, size, take);
}

interface PipeHandle {
  open(fd: number): number | undefined;
}

type PipeConstructor = new (kind: number) => PipeHandle;

/** Kind of a handle that is an ordinary stream. */
const PIPE_SOCKET = 0;

/**
 * Node's own handle of a stream over any descriptor, as a server has one: not part of its interface, but the same in
 * versions 20 to 26. The server listens for no longer than this takes, at a name that no file has.
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

/** Takes what waits behind a request that the loop has brought, where lately something did. */
class Drain {
  readonly #fd: number;
  readonly #buffer: Buffer;
  readonly #take: TakeRequest;
  #pause = 0;

  constructor(fd: number, buffer: Buffer, take: TakeRequest) {
    this.#fd = fd;
    this.#buffer = buffer;
    this.#take = take;
  }

  run(): void {
    if (this.#pause > 0) {
      this.#pause--;
      return;
    }
    const { stackTraceLimit } = Error;
    // EAGAIN is an answer, and the stack of an error costs more than the read.
    Error.stackTraceLimit = 0;
    try {
      for (let left = MAX_DRAINED; left > 0; left--) {
        const length = readSync(this.#fd, this.#buffer, 0, this.#buffer.length, null);
        Error.stackTraceLimit = stackTraceLimit;
        this.#take(this.#buffer.subarray(0, length));
        Error.stackTraceLimit = 0;
      }
    } catch {
      // Whatever it is, the loop will see it too.
      this.#pause = DRAIN_PAUSE;
    } finally {
      Error.stackTraceLimit = stackTraceLimit;
    }
  }
}

function polledReader(fd: number, size: number, take: TakeRequest): RequestReader | undefined {
  const Pipe = pipeConstructor();
  if (Pipe === undefined) return undefined;
  let socket: Socket;
  const buffer = Buffer.allocUnsafeSlow(size);
  const drain = new Drain(fd, buffer, take);
  try {
    const handle = new Pipe(PIPE_SOCKET);
    handle.open(fd);
    const options = {
      handle,
      readable: true,
      writable: false,
      onread: {
        buffer,
        callback(length: number): boolean {
          take(buffer.subarray(0, length));
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
    // ENODEV tells that the mount is gone.
    socket.once('error', () => undefined);
    socket.once('close', () => resolve());
    socket.once('end', () => socket.destroy());
  });
  socket.resume();
  return { ended, close: () => socket.destroy() };
}

/** Reads on the thread pool. A descriptor that does not block gives EAGAIN: it is asked again after a pause that grows. */
function pooledReader(fd: number, size: number, take: TakeRequest): RequestReader {
  let closed = false;
  const buffer = Buffer.allocUnsafeSlow(size);
  const ended = new Promise<void>((resolve) => {
    let pauseMs = 0;
    const next = (): void => {
      if (closed) {
        resolve();
        return;
      }
      read(fd, buffer, 0, size, null, (error, length) => {
        if (error === null) {
          pauseMs = 0;
          take(buffer.subarray(0, length));
          next();
        } else if (error.code === 'EAGAIN') {
          pauseMs = Math.min(4, pauseMs + 1);
          setTimeout(next, pauseMs);
        } else if (error.code === 'EINTR' || error.code === 'ENOENT') next();
        else resolve();
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
