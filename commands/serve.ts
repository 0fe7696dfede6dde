import type { Octets } from '../core/base/octets.ts';
import { octetsToText } from '../core/base/octets.ts';
import type { CommandContext, CommandInput } from './command.ts';
import { defineCommand } from './command.ts';

/** `serve`: the Store for others. */
export const serve = defineCommand({
  name: 'serve',
  group: 'store',
  summary: 'serve the Store to other sessions, over a socket or standard input and output',
  details: [
    'ADDRESS is a UNIX socket (unix:PATH, or a path with a slash), tcp:[HOST:]PORT (127.0.0.1 where no host is given; port 0 takes any that is free), - for standard input and output, or systemd for a socket that systemd hands over. Others open it as unix:PATH, tcp:HOST:PORT, or by a command, as in -S \'!ssh host vtftp -c "serve -"\'. Several clients are served at a time; one that hangs or sends garbage is no trouble to the others.',
    'The socket has mode 0600 in a folder that is made with mode 0700, and processes of other users are refused but for those of root. Over TCP everybody who reaches the port is served unless --secret names a file with a secret of at least 16 octets, which clients give by secret=FILE; it is not sent. That alone does not encrypt what is sent: over a net that is not trusted use --tls-cert, --tls-key and --tls-ca, or go by ssh. With these, clients are served that show a certificate signed by an authority in the file of --tls-ca, and give cert=FILE, key=FILE and ca=FILE themselves; they look whether the certificate of the server is for the host that they name. Addresses beyond loopback are refused where there is neither a secret nor TLS.',
    'What is served is the Store of the session and its archives. Each EXPORT is one more, as NAME=STORE; clients name it by export=NAME. Clients never send a specification, so they open nothing but what is named here.',
    'It ends by SIGINT or SIGTERM: no more clients, what was asked is answered, everything is made durable. With - it ends when the other side does.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [
    { name: 'address', kind: 'text', summary: 'where: unix:PATH, tcp:[HOST:]PORT, -, systemd' },
    { name: 'export', kind: 'text', summary: 'NAME=STORE: another Store under this name', optional: true, repeat: true },
  ],
  options: [
    { name: 'read-only', short: 'r', summary: 'nothing can be added' },
    {
      name: 'append-only',
      short: 'a',
      summary: 'Blocks can be added, and roots recorded in the order of time; nothing is changed or removed',
    },
    { name: 'secret', short: 's', value: { name: 'FILE', kind: 'local' }, summary: 'serve only those who know what is in FILE' },
    {
      name: 'tls-cert',
      value: { name: 'FILE', kind: 'local' },
      summary: 'serve by TLS those who show a certificate: our own, in PEM, with those between it and the authority',
    },
    { name: 'tls-key', value: { name: 'FILE', kind: 'local' }, summary: 'the key of our certificate' },
    { name: 'tls-ca', value: { name: 'FILE', kind: 'local' }, summary: 'certificates of the authorities that sign those of clients' },
    { name: 'max-clients', value: { name: 'N', kind: 'number' }, summary: 'clients at a time; default 128' },
  ],
  examples: [
    { line: 'serve unix:~/.vtftp.sock', says: 'then elsewhere: vtftp -S unix:~/.vtftp.sock' },
    { line: 'serve -', says: 'for whoever started this, as ssh does' },
    {
      line: 'serve --tls-cert host.pem --tls-key host.key --tls-ca ca.pem tcp:0.0.0.0:7070',
      says: 'then elsewhere: vtftp -S tcp:host:7070,cert=me.pem,key=me.key,ca=ca.pem',
    },
    { line: 'serve --read-only tcp:7070 photos=/srv/photos', says: 'two Stores on a port of this machine' },
  ],
  async run(context: CommandContext, input: CommandInput) {
    const { serveStores } = await import('./serve-stores.ts');
    const [address = '' as Octets] = input.named.get('address') ?? [];
    const exports = (input.named.get('export') ?? []).map(octetsToText);
    await serveStores(context, input, octetsToText(address), exports);
  },
});
