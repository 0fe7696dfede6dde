import type { CommandContext, CommandInput } from '../command.ts';
import { defineCommand } from '../command.ts';
import { SERVING_RECORD } from '../parts/records.ts';
import { RIGHTS_DETAIL, RIGHTS_OPTION } from '../parts/rights-words.ts';

/** `httpd`: the Store for browsers. */
export const httpd = defineCommand({
  name: 'httpd',
  group: 'store',
  summary: 'show the Store to browsers and other programs, over HTTP',
  details: [
    'httpd prints a URL to open. Its page lists the newest state of the open archive. A Dir opens as a page, and a file as its content. A click on a size shows the metadata, the Blocks and the versions of a file. Typing filters the names, and Enter searches below. History lists the states of the archive, and what changed in each. ?json and ?simple list a Dir for programs. ?tar and ?zip download a Dir with all below; an interrupted download can be continued.',
    'Browsers and WebDAV clients read these paths. /archive/NAME[@STATE]/PATH is a tree by the name of its archive; STATE is a number or a date as in cd @STATE. /d/REFERENCE/PATH is a tree by its Dirref or Block reference. /h/HEX.HASH is a stored Block, and /i/HEX.HASH is the content that a superblock stands for. /status and /metrics are for monitors. man 7 vt lists all routes and headers.',
    'ADDRESS is [HOST:]PORT. Without HOST it is 127.0.0.1, the default port is 8080, and port 0 takes any free one. On 127.0.0.1 everybody on this machine can read the Store. On any other address each request needs a token: the one in the file of --token, of at least 16 bytes, or one of --rights. Clients send it as a bearer token, or as the password that a browser asks for. Without --tls-cert and --tls-key it is not encrypted.',
    `${RIGHTS_DETAIL} A line may have sha256:HEX, the SHA-256 of the token, in place of the token.`,
    'A client that knows a Dirref can read its tree, unless its line in --rights allows only a part. httpd is read-only unless --write is given, or a line of --rights has add or all. Then clients can add Blocks and states: they use put and push with -S http://HOST/,token=FILE. Clients can never remove anything. Scripts in stored HTML and SVG do not run. Pages of other sites cannot read yours.',
    'On SIGINT and SIGTERM httpd accepts no more connections, answers pending requests, and ends.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [{ name: 'address', kind: 'text', summary: 'where to listen: [HOST:]PORT', optional: true }],
  options: [
    { name: 'token', value: { name: 'FILE', kind: 'local' }, summary: 'serve only clients that know the secret in FILE' },
    RIGHTS_OPTION,
    { name: 'write', summary: 'let clients with the token of --token add Blocks and states; --rights says in its lines who may' },
    { name: 'tls-cert', value: { name: 'FILE', kind: 'local' }, summary: 'serve HTTPS; FILE has the server certificate in PEM' },
    { name: 'tls-key', value: { name: 'FILE', kind: 'local' }, summary: 'the private key of the server certificate' },
    {
      name: 'host',
      value: { name: 'NAME', kind: 'text' },
      repeat: true,
      summary: 'a host name that requests may use, as behind a proxy',
    },
    { name: 'blocks-at', value: { name: 'URL', kind: 'text' }, summary: 'redirect requests for Blocks to URL/HEX.HASH' },
  ],
  examples: [
    { line: 'httpd', says: 'then open the URL that it prints' },
    {
      line: 'httpd --rights ~/.vtftp.rights --tls-cert host.pem --tls-key host.key 0.0.0.0:443',
      says: 'gives each token the rights of its line; clients with add can push there',
    },
    {
      line: 'httpd --token ~/.vtftp.token --tls-cert host.pem --tls-key host.key 0.0.0.0:443',
      says: 'serves other machines, with one token and TLS',
    },
  ],
  records: [SERVING_RECORD],
  async run(context: CommandContext, input: CommandInput) {
    const { serveHttp } = await import('../parts/serve-http.ts');
    await serveHttp(context, input);
  },
});
