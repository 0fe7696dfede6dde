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
    'httpd prints a URL to open. Its page lists the newest state of the open archive. Dirs are pages, and files are their contents. A click on a size shows a file with its metadata, its Blocks and its versions. What is typed filters the names; Enter searches below. History lists the states of the archive, and what changed in each. ?json and ?simple list a Dir for programs. ?tar and ?zip are a Dir with all below, and a download that was cut goes on.',
    'WebDAV clients read these paths too. /archive/NAME[@STATE]/PATH is a tree by the name of its archive. STATE is a number or a date as in cd @STATE. /d/REFERENCE/PATH is a tree by its Dirref or Block reference. /h/HEX.HASH is a stored Block, /i/HEX.HASH the content that a superblock stands for. /status and /metrics are for monitors. man 7 vt has all routes and headers.',
    'ADDRESS is [HOST:]PORT. Without HOST it is 127.0.0.1, the default port is 8080, and port 0 takes any free one. Everybody on this machine can read what is served. Beyond this machine each request has to bring a token: that in the file of --token, of 16 bytes or more, or one of --rights. It goes as a bearer token, or as the password that a browser asks for. It is not encrypted without --tls-cert and --tls-key.',
    `${RIGHTS_DETAIL} A line may have the SHA-256 of the token in place of it, as sha256:HEX.`,
    'Whoever has a Dirref can read its tree, but for those whose line gives them a part. httpd changes nothing unless --write is given, or a line of --rights has add or all. Then clients add Blocks and states: put and push work over there with -S http://HOST/,token=FILE. Nothing is ever removed. Stored HTML and SVG run no scripts. A page of another site cannot read yours.',
    'SIGINT and SIGTERM end it: it takes no more connections, and answers what was asked.',
  ],
  changesLocal: true,
  endsByInterrupt: true,
  args: [{ name: 'address', kind: 'text', summary: 'where: [HOST:]PORT', optional: true }],
  options: [
    { name: 'token', value: { name: 'FILE', kind: 'local' }, summary: 'serve only those who know what is in FILE' },
    RIGHTS_OPTION,
    { name: 'write', summary: 'let the holder of the token of --token add Blocks and states; with --rights the lines say who may' },
    { name: 'tls-cert', value: { name: 'FILE', kind: 'local' }, summary: 'serve HTTPS; FILE has our certificate in PEM' },
    { name: 'tls-key', value: { name: 'FILE', kind: 'local' }, summary: 'the key of our certificate' },
    {
      name: 'host',
      value: { name: 'NAME', kind: 'text' },
      repeat: true,
      summary: 'a name under which this server is asked for, as behind a proxy',
    },
    { name: 'blocks-at', value: { name: 'URL', kind: 'text' }, summary: 'redirect requests for Blocks to URL/HEX.HASH' },
  ],
  examples: [
    { line: 'httpd', says: 'then open the URL that it prints' },
    {
      line: 'httpd --rights ~/.vtftp.rights --tls-cert host.pem --tls-key host.key 0.0.0.0:443',
      says: 'each token with the rights of its line; who may add pushes there',
    },
    { line: 'httpd --token ~/.vtftp.token --tls-cert host.pem --tls-key host.key 0.0.0.0:443', says: 'for other machines' },
  ],
  records: [SERVING_RECORD],
  async run(context: CommandContext, input: CommandInput) {
    const { serveHttp } = await import('../parts/serve-http.ts');
    await serveHttp(context, input);
  },
});
