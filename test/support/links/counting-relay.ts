import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer } from 'node:net';
import type { Scratch } from '../scratch.ts';

/** A relay before a server that counts what comes from it. */
export interface CountingRelay {
  /** `127.0.0.1:PORT` */
  readonly address: string;
  /** Octets that came so far. */
  readonly octets: () => number;
}

/** @param to - the server */
export async function countingRelay(scratch: Pick<Scratch, 'beforeRemoval'>, to: URL): Promise<CountingRelay> {
  let octets = 0;
  const server = createServer((client) => {
    const origin = connect(Number(to.port), to.hostname);
    client.on('error', () => origin.destroy()).on('close', () => origin.destroy());
    origin.on('error', () => client.destroy()).on('close', () => client.end());
    origin.on('data', (data) => {
      octets += data.length;
    });
    client.pipe(origin).pipe(client);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  scratch.beforeRemoval(() => {
    server.close();
  });
  return { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, octets: () => octets };
}
