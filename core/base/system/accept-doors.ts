import type { Server, ServerOpts, Socket } from 'node:net';
import { createServer } from 'node:net';
import { nativeLibrary } from './libc.ts';
import { descriptorOf } from './socket-descriptor.ts';

/** Descriptors of a listening socket in addition to the server's own. */
const DOORS = 15;
/** F_DUPFD_CLOEXEC of fcntl(2) on Linux. */
const F_DUPFD_CLOEXEC = 1030;

/**
 * Lets a listening server accept up to 16 connections in one turn of the event loop. libuv (since 1.45) accepts one per turn and
 * descriptor. Turns of a busy server are long: at 50 ms each, a client behind 500 others waits 25 s. So the listening socket is
 * duplicated into several descriptors, and libuv accepts one connection from each.
 *
 * @param options - the options with which the server was made
 * @returns a function that closes the duplicates; it resolves once the connections that they accepted have ended
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
    // A duplicate that cannot listen is not necessary.
    door.on('error', () => undefined);
    doors.push(door.listen({ fd: copy }).unref());
  }
  return async () => {
    await Promise.all(doors.map(async (door) => await new Promise((resolve) => door.close(resolve))));
  };
}
