import type { Server, ServerOpts, Socket } from 'node:net';
import { createServer } from 'node:net';
import { nativeLibrary } from './libc.ts';
import { descriptorOf } from './socket-descriptor.ts';

/** Descriptors that a server listens by besides its own. */
const DOORS = 15;
/** F_DUPFD_CLOEXEC of fcntl(2) on Linux. */
const F_DUPFD_CLOEXEC = 1030;

/**
 * Lets a server that listens accept up to 16 connections in a turn of the event loop. libuv (since 1.45) accepts one for each descriptor
 * of a listening socket. Of a server with much to do the turns are long: at 50 ms each, who connects behind 500 others waits 25 s.
 * The same socket under several descriptors is accepted from as often.
 *
 * @param options - those that the server was made with
 * @returns what ends it; it resolves once all who came so have gone
 */
export function addDoors(server: Server, options: ServerOpts): () => Promise<void> {
  const fd = descriptorOf(server);
  const duplicate = process.platform === 'linux' && fd >= 0 ? nativeLibrary()?.bind('fcntl', 'int', ['int', 'int', 'int']) : undefined;
  if (duplicate === undefined) return async () => await Promise.resolve();
  const doors: Server[] = [];
  for (let i = 0; i < DOORS; i++) {
    const copy = duplicate(fd, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) break;
    const door = createServer(options, (socket: Socket) => void server.emit('connection', socket));
    // One that cannot listen is not needed.
    door.on('error', () => undefined);
    doors.push(door.listen({ fd: copy }).unref());
  }
  return async () => {
    await Promise.all(doors.map(async (door) => await new Promise((resolve) => door.close(resolve))));
  };
}
