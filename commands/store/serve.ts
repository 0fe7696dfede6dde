import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { SERVING_RECORD } from '../parts/records.ts';
import { RIGHTS_DETAIL, RIGHTS_OPTION } from '../parts/rights-words.ts';

/** `serve`: the Store for others. */
export const serve = defineCommand({
  name: 'serve',
  group: 'store',
  summary: 'serve the Store to other sessions, over a socket or standard input and output',
  details: [
    'ADDRESS is a UNIX socket (unix:PATH, or a path with a slash), tcp:[HOST:]PORT, - for standard input and output, or systemd for a socket that systemd hands over. Without HOST it is 127.0.0.1; port 0 takes any free port. Others open it as unix:PATH, tcp:HOST:PORT, or by a command; ssh://HOST/PATH needs no serve over there, and attaches to a running mount if PATH is its mount point. A command is written as in -S \'!ssh host "vtftp -c \\"serve -\\""\'. Several clients are served at a time. One that hangs or sends garbage does not disturb the others.',
    'The socket has mode 0600 in a folder of mode 0700, and serve refuses processes of other users, except root. Over TCP everybody who reaches the port is served, unless --secret names a file with a secret of at least 16 bytes. Clients give it by secret=FILE; it is not sent. A secret does not encrypt. On a network that you do not trust use ssh, or --tls-cert, --tls-key and --tls-ca. Clients then need a certificate signed by an authority in the file of --tls-ca, and give cert=FILE, key=FILE and ca=FILE. They check that the certificate of the server is for the host that they name. Without a secret or TLS, serve refuses addresses beyond loopback.',
    RIGHTS_DETAIL,
    'serve offers the Store of the session with its archives. Each EXPORT adds one more, as NAME=STORE; clients name it by export=NAME. Clients never send a specification, so they open nothing but what is named here.',
    'Clients have turns: the one for which least was done lately comes first. Each has 1.25 MiB under way, and all share 40 MiB more; who holds that and does not go on is cut off. A root that a client records must be in the Store, and is dated five minutes ahead at most.',
    'SIGINT and SIGTERM end it: it takes no more clients, answers what was asked, and makes everything durable. With - it ends when the other side does.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [
    { name: 'address', kind: 'text', summary: 'where: unix:PATH, tcp:[HOST:]PORT, -, systemd' },
    { name: 'export', kind: 'text', summary: 'NAME=STORE: another Store under this name', optional: true, repeat: true },
  ],
  options: [
    { name: 'read-only', short: 'r', summary: 'clients can add nothing' },
    {
      name: 'append-only',
      short: 'a',
      summary: 'clients can add Blocks, and record roots in the order of time that are there as a whole; they change and remove nothing',
    },
    { name: 'secret', short: 's', value: { name: 'FILE', kind: 'local' }, summary: 'serve only those who know what is in FILE' },
    RIGHTS_OPTION,
    {
      name: 'tls-cert',
      value: { name: 'FILE', kind: 'local' },
      summary: 'serve by TLS; FILE has our own certificate in PEM, with those up to the authority',
    },
    { name: 'tls-key', value: { name: 'FILE', kind: 'local' }, summary: 'the key of our certificate' },
    { name: 'tls-ca', value: { name: 'FILE', kind: 'local' }, summary: 'the authorities that sign the certificates of clients' },
    { name: 'max-clients', value: { name: 'N', kind: 'number', min: 1 }, summary: 'at most N clients at a time; default 128' },
  ],
  examples: [
    { line: 'serve unix:~/.vtftp.sock', says: 'then elsewhere: vtftp -S unix:~/.vtftp.sock' },
    { line: 'serve -', says: 'for whoever started this, as ssh does' },
    {
      line: 'serve --tls-cert host.pem --tls-key host.key --tls-ca ca.pem tcp:0.0.0.0:7070',
      says: 'then elsewhere: vtftp -S tcp:host:7070,cert=me.pem,key=me.key,ca=ca.pem',
    },
    { line: 'serve --rights ~/.vtftp.rights tcp:7070', says: 'each with the rights of the line that has their secret' },
    { line: 'serve --read-only tcp:7070 photos=/srv/photos', says: 'two Stores on a port of this machine' },
  ],
  records: [SERVING_RECORD],
  async run(context: CommandContext, input: CommandInput) {
    const { serveStores } = await import('../parts/serve-stores.ts');
    const [address = '' as Octets] = input.named.get('address') ?? [];
    const exports = (input.named.get('export') ?? []).map(octetsToText);
    await serveStores(context, input, octetsToText(address), exports);
  },
});
