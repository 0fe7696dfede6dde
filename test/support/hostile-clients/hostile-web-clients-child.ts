import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { HOSTILE_WEB_CLIENTS } from './hostile-web-clients.ts';

// Lets hostile clients loose on an HTTP server for so many seconds: PORT SECONDS TOKEN [NAME].

const [port = '', seconds = '1', token = '', only = ''] = process.argv.slice(2);
process.stdout.write('ready\n');
const endMs = performance.now() + Number(seconds) * 1000;
const goesOn = (): boolean => performance.now() < endMs;

async function open(): Promise<Socket> {
  const socket = connect(Number(port), '127.0.0.1');
  socket.on('error', () => undefined);
  await Promise.race([
    new Promise((resolve) => {
      socket.once('connect', resolve).once('close', resolve);
    }),
    sleep(2000),
  ]);
  return socket;
}

const kinds = HOSTILE_WEB_CLIENTS.filter(({ name }) => only === '' || name === only);
setTimeout(() => process.exit(0), Number(seconds) * 1000 + 500);
await Promise.all(kinds.map(async ({ run }) => await run(open, token, goesOn)));
process.exit(0);
