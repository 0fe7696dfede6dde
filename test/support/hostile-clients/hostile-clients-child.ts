import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { HostileClient } from './hostile-client.ts';
import { HOSTILE_CLIENTS } from './hostile-clients.ts';

// Lets hostile clients loose on a server for so many seconds: ADDRESS SECONDS [TLS options as JSON] [NAME, or PART/PARTS of all].

const [address = '', seconds = '1', tls = '', only = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
const endMs = performance.now() + Number(seconds) * 1000;
const goesOn = (): boolean => performance.now() < endMs;
const [kind, ...rest] = address.split(':');
const where = kind === 'unix' ? { path: rest.join(':') } : { host: rest.slice(0, -1).join(':'), port: Number(rest.at(-1)) };

async function open(): Promise<HostileClient> {
  const options = tls === '' ? undefined : (JSON.parse(tls) as { readonly ca: string; readonly cert: string; readonly key: string });
  const socket = options === undefined ? connect(where as never) : connectTls({ ...where, ...options } as never);
  const client = new HostileClient(socket);
  await Promise.race([new Promise((resolve) => socket.once(tls === '' ? 'connect' : 'secureConnect', resolve)), client.ended, sleep(2000)]);
  return client;
}

const [part = 0, parts = 0] = /^\d+\/\d+$/.test(only) ? only.split('/').map(Number) : [];
const kinds = HOSTILE_CLIENTS.filter(({ name }, i) => (parts > 0 ? i % parts === part : only === '' || name === only));
setTimeout(() => process.exit(0), Number(seconds) * 1000 + 500);
await Promise.all(kinds.map(async ({ run }) => await run(open, goesOn)));
process.exit(0);
