import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

/** What becomes of a connection after so many octets, both directions counted. */
export interface Cut {
  readonly afterBytes: number;
  /** `end` takes it down; `stall` holds everything back for a while, and then goes on. */
  readonly kind: 'end' | 'stall';
  readonly stallMs: number;
}

/** A TCP port of this machine that leads to another, through connections that break. */
export interface CuttingRelay extends AsyncDisposable {
  readonly port: number;
  /** What is to become of the next connections, in their order; those after them are left alone. */
  plan(cuts: readonly Cut[]): void;
  /** How many cuts were made since the last plan. */
  readonly made: number;
}

/** Starts one. @param target - the port that it leads to */
export async function startCuttingRelay(target: number): Promise<CuttingRelay> {
  let cuts: Cut[] = [];
  let made = 0;
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ port: target, host: '127.0.0.1' });
    const cut = cuts.shift();
    let passed = 0;
    let isHeld = false;
    const end = (): void => {
      near.destroy();
      far.destroy();
    };
    const carry = (from: Socket, to: Socket): void => {
      sockets.add(from);
      from.on('data', (data: Buffer) => {
        passed += data.length;
        if (cut === undefined || isHeld || passed < cut.afterBytes) {
          if (!to.write(data)) from.pause();
          return;
        }
        isHeld = true;
        made++;
        if (cut.kind === 'end') {
          end();
          return;
        }
        for (const socket of [near, far]) socket.pause();
        setTimeout(() => {
          to.write(data);
          for (const socket of [near, far]) socket.resume();
        }, cut.stallMs);
      });
      to.on('drain', () => from.resume());
      from.on('error', end);
      from.on('close', () => {
        sockets.delete(from);
        to.end();
      });
    };
    carry(near, far);
    carry(far, near);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    plan(next) {
      cuts = [...next];
      made = 0;
    },
    get made() {
      return made;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
