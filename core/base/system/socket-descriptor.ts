import type { Server, Socket } from 'node:net';

/** The file descriptor of a connection or a server, from its Node handle; -1 if it is closed. */
export function descriptorOf(owner: Server | Socket): number {
  const { _handle: handle } = owner as unknown as { readonly _handle?: { readonly fd?: number } | null };
  return handle?.fd ?? -1;
}
