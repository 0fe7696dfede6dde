import type { Octets } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { ONE_RIGHTS_OPTION } from '../parts/rights-words.ts';

/** `share`: a link to a part of the tree, for a while. */
export const share = defineCommand({
  name: 'share',
  group: 'move',
  summary: 'print a link by which a browser sees one file or Dir for a while',
  details: [
    'share prints a URL for the httpd of this Store that was started with the same --rights FILE or --token FILE. Whoever has the URL sees PATHNAME and what is below it, and nothing else: no token is asked for. It shows the newest state of the archive, whatever that is by then; --fixed shows the state of now. With --history it also shows the earlier states of PATHNAME and what changed in them, and so what was removed from it.',
    'The link has the rights of a line of FILE, which --as names. It ends when that line is removed or its secret is changed, with all links of the line. Give links a line of their own, which may read the archive. With --token the line is "owner". After --days or --until the link opens nothing.',
    'share changes nothing, and nothing keeps a list of links. It first records what changed in the tree.',
  ],
  args: [{ name: 'pathname', kind: 'stored', summary: 'a file or Dir in the tree', glob: false }],
  options: [
    ONE_RIGHTS_OPTION,
    { name: 'as', value: { name: 'NAME', kind: 'text' }, summary: 'the line of --rights whose rights the link has' },
    { name: 'token', value: { name: 'FILE', kind: 'local' }, summary: 'the file of --token of httpd' },
    { name: 'days', short: 'd', value: { name: 'N', kind: 'number', min: 1 }, summary: 'the link ends after N days; default 7' },
    { name: 'until', value: { name: 'DATE', kind: 'date' }, summary: 'the link ends at the end of DATE' },
    { name: 'fixed', summary: 'show the newest state of now, also when there are newer ones' },
    { name: 'history', summary: 'show the earlier states of PATHNAME too' },
    { name: 'at', value: { name: 'URL', kind: 'text' }, summary: 'where httpd is reached; default http://127.0.0.1:8080/' },
  ],
  examples: [
    { line: 'share --rights ~/.vtftp.rights --as links --at https://files.example/ docs/photos', says: 'for a week' },
    { line: 'share --token ~/.vtftp.token --until 2027-01-31 docs/report.pdf', says: 'one file, to the end of January' },
  ],
  records: [{ name: 'Link', summary: 'a link that was made', fields: { url: 'text', until: 'time' } }],
  async run(context, input) {
    const { shareLink } = await import('../parts/share-link.ts');
    await shareLink(context, input, input.args[0] ?? ('' as Octets));
  },
});
