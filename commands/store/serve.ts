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
    'ADDRESS is a UNIX socket (unix:PATH, or a path with a slash), tcp:[HOST:]PORT, - for standard input and output, or systemd for a socket that systemd hands over. Without HOST it is 127.0.0.1; port 0 takes any free port. Clients open it as unix:PATH or tcp:HOST:PORT, or run serve - by a command, as in -S \'!ssh host "vtftp -c \\"serve -\\""\'. ssh://HOST/PATH needs no serve on HOST; it attaches to a running mount if PATH is a mount point. serve serves several clients at a time. A client that hangs or sends garbage does not disturb the others.',
    'The socket has mode 0600 in a folder of mode 0700, and serve refuses processes of other users, except root. Over TCP serve accepts everybody who can reach the port, unless --secret names a file with a secret of at least 16 bytes. Clients give it by secret=FILE, and never send it. A secret does not encrypt. On a network that you do not trust use ssh, or --tls-cert, --tls-key and --tls-ca. Clients then need a certificate signed by an authority in the file of --tls-ca, and give cert=FILE, key=FILE and ca=FILE. Clients check that the server certificate is for the host that they named. Without a secret or TLS, serve refuses addresses beyond loopback.',
    RIGHTS_DETAIL,
    'serve offers the Store of the session with its archives. Each EXPORT, as NAME=STORE, adds another Store, which clients select by export=NAME. Clients never send a specification, so they can open only these Stores.',
    'Clients are served in turns: the client that got least lately comes first. Each may have 1.25 MiB in progress, and all share 32 MiB more. serve disconnects a client that takes a part of that and then stalls. All Blocks of a root that a client records must be in the Store, and its date may be at most five minutes in the future.',
    'On SIGINT and SIGTERM serve accepts no more clients, answers pending requests, makes everything durable, and ends. With - it ends when the other side does.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [
    { name: 'address', kind: 'text', summary: 'where to listen: unix:PATH, tcp:[HOST:]PORT, - or systemd' },
    { name: 'export', kind: 'text', summary: 'NAME=STORE: serve another Store under this name', optional: true, repeat: true },
  ],
  options: [
    { name: 'read-only', short: 'r', summary: 'clients cannot add anything' },
    {
      name: 'append-only',
      short: 'a',
      summary: 'clients can add Blocks and record newer roots whose Blocks are all there, but change and remove nothing',
    },
    { name: 'secret', short: 's', value: { name: 'FILE', kind: 'local' }, summary: 'serve only clients that know the secret in FILE' },
    RIGHTS_OPTION,
    {
      name: 'tls-cert',
      value: { name: 'FILE', kind: 'local' },
      summary: 'serve by TLS; FILE has the server certificate in PEM, with its chain of authorities',
    },
    { name: 'tls-key', value: { name: 'FILE', kind: 'local' }, summary: 'the private key of the server certificate' },
    { name: 'tls-ca', value: { name: 'FILE', kind: 'local' }, summary: 'the authorities whose client certificates are accepted' },
    { name: 'max-clients', value: { name: 'N', kind: 'number', min: 1 }, summary: 'at most N clients at a time; default 128' },
  ],
  examples: [
    { line: 'serve unix:~/.vtftp.sock', says: 'then elsewhere: vtftp -S unix:~/.vtftp.sock' },
    { line: 'serve -', says: 'serves the program that started it, such as ssh' },
    {
      line: 'serve --tls-cert host.pem --tls-key host.key --tls-ca ca.pem tcp:0.0.0.0:7070',
      says: 'then elsewhere: vtftp -S tcp:host:7070,cert=me.pem,key=me.key,ca=ca.pem',
    },
    { line: 'serve --rights ~/.vtftp.rights tcp:7070', says: 'gives each client the rights of the line with its secret' },
    { line: 'serve --read-only tcp:7070 photos=/srv/photos', says: 'serves two Stores on one port of this machine' },
  ],
  records: [SERVING_RECORD],
  async run(context: CommandContext, input: CommandInput) {
    const { serveStores } = await import('../parts/serve-stores.ts');
    const [address = '' as Octets] = input.named.get('address') ?? [];
    const exports = (input.named.get('export') ?? []).map(octetsToText);
    await serveStores(context, input, octetsToText(address), exports);
  },
});
