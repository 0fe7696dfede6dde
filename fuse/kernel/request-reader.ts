import { read } from 'node:fs';
import { Socket } from 'node:net';

/** Takes one request at a time; its octets may be overwritten once it returns. */
export type TakeRequest = (bytes: Buffer) => void;

/** Reads the requests of a mount until it is gone. */
export interface RequestReader {
  /** Resolves when there will be no more: the mount is gone, or `close` was called. */
  readonly ended: Promise<void>;
  /** Stops reading and closes the descriptor. */
  close(): void;
}

/**
 * Reads requests from a descriptor of `/dev/fuse` that does not block, each with one read into one buffer.
 *
 * The event loop itself waits for them where Node lets it have a descriptor of this sort: that answers twice as many
 * requests a second as reads on the thread pool, which serve otherwise.
 *
 * @param size - octets of the largest request
 */
export function readRequests(fd: number, size: number, take: TakeRequest): RequestReader {
  return polledReader(fd, size, take) ?? pooledReader(fd, size, take);
}

interface PipeHandle {
  open(fd: number): number | undefined;
}

type PipeConstructor = new (kind: number) => PipeHandle;

/** Kind of a handle that is an ordinary stream. */
const PIPE_SOCKET = 0;

/** Node's own handle of a stream over any descriptor: not part of its interface, but the same in versions 20 to 26. */
function pipeConstructor(): PipeConstructor | undefined {
  try {
    const { binding } = process as unknown as { readonly binding: (name: string) => { readonly Pipe?: PipeConstructor } };
    return binding('pipe_wrap').Pipe;
  } catch {
    return undefined;
  }
}

function polledReader(fd: number, size: number, take: TakeRequest): RequestReader | undefined {
  const Pipe = pipeConstructor();
  if (Pipe === undefined) return undefined;
  let socket: Socket;
  const buffer = Buffer.allocUnsafeSlow(size);
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
