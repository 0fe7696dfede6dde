import type { Socket } from 'node:net';

/** The file descriptor of a connection, which Node keeps in its handle; -1 where it is closed. */
export function descriptorOf(socket: Socket): number {
  const { _handle: handle } = socket as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
