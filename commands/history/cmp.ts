import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { firstDifference } from '../../core/tree/diff/side-content.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import { defineTreeCommand } from '../command.ts';
import type { NamedSide } from '../parts/diff/diff-sides.ts';
import { withSides } from '../parts/diff/diff-sides.ts';

/** `cmp`: whether two files have the same content. */
export const cmp = defineTreeCommand({
  name: 'cmp',
  group: 'history',
  summary: 'tell whether two files have the same content',
  details: [
    'cmp prints nothing if the bytes of both files are equal. Otherwise it fails (1) and prints the position of the first byte that differs, counted from 1. So `cmp a b && rm b` works, and a script stops at a difference. cmp does not read equal Blocks at the start of both files, and ignores metadata. diff shows all differences.',
  ],
  args: [
    { name: 'a', kind: 'reference', summary: 'a file as diff takes it: a path, PATH@N, a reference, or file:PATH' },
    { name: 'b', kind: 'reference', summary: 'the other file; default: A in the previous state', optional: true },
  ],
  examples: [{ line: 'cmp docs/a.pdf file:~/docs/a.pdf', says: 'compares the stored file with a local copy' }],
  records: [{ name: 'Comparison', summary: 'whether two files are equal', fields: { same: 'boolean', offset: 'integer?' } }],
  async run(context, { args }) {
    await withSides(context, 'cmp', args, async ({ before, after }) => {
      const file = ({ side, label }: NamedSide) => {
        if (side.top?.kind === 'file') return { side, path: ROOT_PATH, file: side.top };
        throw new UsageError(`cmp "${label}": it is ${side.top === undefined ? 'not there' : `a ${side.top.kind}`}, not a file`);
      };
      const found = await firstDifference(file(before), file(after), context);
      context.output.record({ same: found === undefined, ...(found === undefined ? {} : { offset: found.offset }) });
      if (found === undefined) return;
      const words = args.map(octetsToText).join(' ');
      const what =
        found.ended === undefined ? `they differ at byte ${found.offset + 1}` : `one ends after ${found.offset} bytes, the other goes on`;
      throw new VtError('EFAILED', `cmp "${words}": ${what}`);
    });
  },
});
