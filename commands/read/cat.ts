import { UsageError } from '../../core/base/errors.ts';
import { type Octets, octetsToText } from '../../core/base/octets.ts';
import { defineTreeCommand } from '../command.ts';
import { damageAt } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, withEntry } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { CONTENT_RECORD } from '../parts/records.ts';

/** `cat`: the content of files. */
export const cat = defineTreeCommand({
  name: 'cat',
  group: 'read',
  summary: 'print the content of files',
  details: ['NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  options: [
    {
      name: 'bytes',
      value: { name: 'FROM-TO', kind: 'text' },
      summary: 'print the bytes from FROM up to, but not including, TO, counted from 0; FROM-: to the end',
    },
  ],
  examples: [{ line: 'cat notes.txt | grep -i todo', says: 'filter the lines of a stored file by a local command' }],
  records: [CONTENT_RECORD],
  async run(context, { args, options }) {
    const { session, output, signal } = context;
    const range = rangeOf(options.get('bytes'));
    await forEachItem(context, args, async (argument) => {
      try {
        await withEntry(session, argument, 'read', { signal }, async ({ tree, path }) => {
          for await (const chunk of tree.read(path, range, { signal })) await output.bytes(chunk, octetsFields('path', path));
        });
      } catch (error) {
        throw damageAt(error, 'read', pathArgument(session, argument));
      }
    });
  },
});

/** @throws {UsageError} for a range that is none */
function rangeOf(value: Octets | true | undefined): { readonly start?: number; readonly end?: number } {
  if (value === undefined || value === true) return {};
  const [, from, to] = /^(\d{1,16})-(\d{0,16})$/.exec(value) ?? [];
  const [start, end] = [Number(from), to === '' ? undefined : Number(to)];
  if (from === undefined || (end !== undefined && end < start))
    throw new UsageError(`option --bytes: expected FROM-TO or FROM-, got "${octetsToText(value)}"`);
  return end === undefined ? { start } : { start, end };
}
