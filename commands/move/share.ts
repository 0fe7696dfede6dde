import type { Octets } from '../../core/base/octets.ts';
import { defineCommand } from '../command.ts';
import { ONE_RIGHTS_OPTION } from '../parts/rights-words.ts';

/** `share`: makes a temporary link to a part of the tree. */
export const share = defineCommand({
  name: 'share',
  group: 'move',
  summary: 'print a link that shows one file or Dir in a browser for a limited time',
  details: [
    'share prints a URL for the httpd of this Store that was started with the same --rights FILE or --token FILE. Anybody with the URL can see PATHNAME and what is below it, without a token, and nothing else. The link shows the newest state of the archive at the time of each visit; --fixed shows the present state. With --history it also shows the earlier states of PATHNAME and their differences, and so names that were removed.',
    'The link has the rights of the line in FILE that --as names. If that line is removed or its secret is changed, all its links end. Give links a line of their own that may read the archive. With --token the line is "owner". After --days or --until the link opens nothing.',
    'share syncs the tree first. It changes nothing else, and no list of links is kept.',
  ],
  args: [{ name: 'pathname', kind: 'stored', summary: 'a file or Dir in the tree', glob: false }],
  options: [
    ONE_RIGHTS_OPTION,
    { name: 'as', value: { name: 'NAME', kind: 'text' }, summary: 'the name of the line in --rights FILE whose rights the link has' },
    { name: 'token', value: { name: 'FILE', kind: 'local' }, summary: 'the same FILE as for httpd --token' },
    { name: 'days', short: 'd', value: { name: 'N', kind: 'number', min: 1 }, summary: 'the link ends after N days; default 7' },
    { name: 'until', value: { name: 'DATE', kind: 'date' }, summary: 'the link ends at the end of DATE' },
    { name: 'fixed', summary: 'show the present newest state, even after newer ones are recorded' },
    { name: 'history', summary: 'show the earlier states of PATHNAME too' },
    { name: 'at', value: { name: 'URL', kind: 'text' }, summary: 'the URL of httpd; default http://127.0.0.1:8080/' },
  ],
  examples: [
    { line: 'share --rights ~/.vtftp.rights --as links --at https://files.example/ docs/photos', says: 'a link that works for a week' },
    { line: 'share --token ~/.vtftp.token --until 2027-01-31 docs/report.pdf', says: 'a link to one file, until the end of January' },
  ],
  records: [{ name: 'Link', summary: 'a link that was made', fields: { url: 'text', until: 'time' } }],
  async run(context, input) {
    const { shareLink } = await import('../parts/share-link.ts');
    await shareLink(context, input, input.args[0] ?? ('' as Octets));
  },
});
