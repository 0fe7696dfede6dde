import { UsageError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { changesOf } from '../../core/tree/diff/changes.ts';
import { firstDifference, sameBytes } from '../../core/tree/diff/side-content.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { joinPath, ROOT_PATH, splitPath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import type { NamedSide, NamedSides } from '../parts/diff/diff-sides.ts';
import { shownTop, withSides } from '../parts/diff/diff-sides.ts';
import { octetsFields } from '../parts/format.ts';

/** `cmp`: whether two files or Dirs have the same content. */
export const cmp = defineTreeCommand({
  name: 'cmp',
  group: 'history',
  summary: 'tell whether two files or Dirs have the same content',
  details: [
    'cmp prints nothing if the bytes of both files are equal. Otherwise it fails (1) and prints the position of the first byte that differs, counted from 1. Of two Dirs it prints the first name that differs: a new or a removed one, or a file with other bytes. So `cmp a b && rm b` works, and a script stops at a difference. cmp does not read equal Blocks, and ignores metadata. diff shows all differences.',
  ],
  args: [
    { name: 'a', kind: 'reference', summary: 'a file or Dir as diff takes it: a path, PATH@N, a reference, or file:PATH' },
    { name: 'b', kind: 'reference', summary: 'the other one; default: A in the previous state', optional: true },
  ],
  examples: [{ line: 'cmp docs/a.pdf file:~/docs/a.pdf', says: 'compares the stored file with a local copy' }],
  records: [
    {
      name: 'Comparison',
      summary: 'whether two files or Dirs are equal',
      fields: { same: 'boolean', offset: 'integer?', path: 'name?' },
    },
  ],
  async run(context, { args }) {
    await withSides(context, 'cmp', args, async (sides) => {
      const kinds = [kindOf(sides.before), kindOf(sides.after)];
      const areDirs = kinds.every((kind) => kind === 'dir');
      const found = areDirs ? await differingPath(context, sides) : await differingByte(context, sides);
      context.output.record({ same: found === undefined, ...found?.fields });
      if (found !== undefined) throw new VtError('EFAILED', `cmp "${args.map(octetsToText).join(' ')}": ${found.says}`);
    });
  },
});

/** A difference: as text, and as fields of the record. */
interface Difference {
  readonly says: string;
  readonly fields: Record<string, unknown>;
}

function kindOf({ side }: NamedSide): string | undefined {
  return side.top?.kind;
}

async function differingByte(context: TreeContext, { before, after }: NamedSides): Promise<Difference | undefined> {
  const file = ({ side, label, path }: NamedSide) => {
    if (side.top?.kind === 'file') return { side, path: ROOT_PATH, file: side.top };
    const shown = path === undefined ? label : `${octetsToText(path)}${label.startsWith('@') ? label : ''}`;
    const kind = side.top?.kind === 'dir' ? 'Dir' : side.top?.kind;
    throw new UsageError(`cmp "${shown}": it is ${kind === undefined ? 'not there' : `a ${kind}`}`, {
      remedy: 'cmp takes two files, or two Dirs',
    });
  };
  const found = await firstDifference(file(before), file(after), context);
  if (found === undefined) return undefined;
  const { offset, ended } = found;
  return {
    says: ended === undefined ? `they differ at byte ${offset + 1}` : `one ends after ${offset} bytes, the other goes on`,
    fields: { offset },
  };
}

/** The first name that only one of two Dirs has, or whose content differs. */
async function differingPath({ signal }: TreeContext, sides: NamedSides): Promise<Difference | undefined> {
  const { before, after } = sides;
  const changes = changesOf(before.side, after.side, {
    signal,
    renames: false,
    sameMeta: () => true,
    sameFile: async (path, a, b) => await sameBytes({ side: before.side, path, file: a }, { side: after.side, path, file: b }, { signal }),
  });
  for await (const { kind, path } of changes) {
    const shown: TreePath = splitPath(path).reduce(joinPath, shownTop(sides));
    const what = kind === 'added' ? 'only the second has' : kind === 'removed' ? 'only the first has' : 'they differ at';
    return { says: `${what} ${octetsToText(shown)}`, fields: octetsFields('path', shown) };
  }
  return undefined;
}
