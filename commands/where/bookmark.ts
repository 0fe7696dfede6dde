import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import { defineCommand, type Output } from '../command.ts';
import { octetsFields } from '../parts/format.ts';
import type { LocalSession } from '../session.ts';

/** A name that cannot be an option, a path or a Store specification. */
const NAME = /^[\p{L}\p{N}_][\p{L}\p{N}_.+-]*$/u;

/** `bookmark`: names of places. */
export const bookmark = defineCommand({
  name: 'bookmark',
  aliases: ['bookmarks'],
  group: 'where',
  summary: 'name a place that open can go to, or list the named places',
  changesLocal: true,
  details: [
    '`open NAME` goes there, and so does `vtftp NAME`. Without SOURCE the bookmark is the open tree with its working path. Without arguments bookmark lists all bookmarks. A local file, directory or Store called NAME takes precedence over the bookmark.',
    'The file bookmarks beside the rc file keeps them, one a line: NAME SOURCE PATH.',
  ],
  args: [
    { name: 'name', kind: 'bookmark', summary: 'letters, digits and _ . + -', optional: true },
    {
      name: 'source',
      kind: 'reference',
      summary: 'a source, as open takes it; default: the open tree and the working path',
      optional: true,
    },
  ],
  options: [{ name: 'delete', short: 'd', summary: 'remove NAME' }],
  examples: [
    { line: 'bookmark photos', says: 'open photos comes back here' },
    { line: 'bookmark nas ssh://nas/', says: 'the default Store of another machine' },
  ],
  records: [{ name: 'Bookmark', summary: 'a bookmark', fields: { bookmark: 'text', source: 'name', path: 'name' } }],
  async run({ session, output }, { args: [given, source], options }) {
    const name = given === undefined ? undefined : octetsToText(given);
    if (name === undefined) {
      if (options.has('delete')) throw new UsageError('bookmark --delete: NAME is missing');
      list(session, output);
      return;
    }
    const others = session.bookmarks.filter((each) => each.name !== name);
    if (options.has('delete')) {
      if (others.length === session.bookmarks.length) throw new VtError('EFAILED', `bookmark --delete "${name}": no such bookmark`);
      session.keepBookmarks(others);
      return;
    }
    if (!NAME.test(name) || name === 'default') throw new UsageError(`bookmark "${name}": use letters, digits and _ . + -`);
    const path = source === undefined ? session.cwd : ROOT_PATH;
    session.keepBookmarks([...others, { name, source: session.addressOf(source), path }]);
    await Promise.resolve();
  },
});

function list({ bookmarks }: LocalSession, output: Output): void {
  const width = bookmarks.reduce((most, { name }) => Math.max(most, name.length), 0);
  for (const { name, source, path } of bookmarks) {
    const shown = path === ROOT_PATH ? '' : `  ${output.name(path)}`;
    output.line(`${output.name(octetsFromText(name)).padEnd(width)}  ${output.name(source)}${shown}`);
    output.record({ bookmark: name, ...octetsFields('source', source), ...octetsFields('path', path) });
  }
}
