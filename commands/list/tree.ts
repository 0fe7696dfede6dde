import type { TreeEntry } from '../../core/tree/tree.ts';
import type { Output } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { PassedDamage } from '../parts/damage.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { countText, entryRecord, entryStyle } from '../parts/format.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import { ENTRY_RECORD } from '../parts/records.ts';
import { numberOption } from '../words/number-option.ts';

interface Level {
  readonly listing: AsyncIterator<TreeEntry>;
  /** Drawn before every line of this level. */
  readonly indent: string;
  /** Fetched, not drawn yet: whether it is the last decides its branch. */
  next: TreeEntry | undefined;
}

/** `tree`: a Dir drawn with all below it. */
export const tree = defineTreeCommand({
  name: 'tree',
  group: 'list',
  summary: 'draw a Dir and what is below it',
  details: ['Symlinks are not followed.'],
  args: [{ name: 'path', kind: 'stored', summary: 'the Dir; default: the working path', optional: true }],
  options: [
    { name: 'all', short: 'a', summary: 'show names that begin with a dot too' },
    { name: 'level', short: 'L', value: { name: 'DEPTH', kind: 'number', min: 1 }, summary: 'at most DEPTH levels' },
    { name: 'dirs', short: 'd', summary: 'Dirs only' },
  ],
  records: [ENTRY_RECORD],
  async run(context, { args, options }) {
    const { session, output, signal } = context;
    const damage = new PassedDamage(context, 'draw');
    const maxDepth = numberOption({ options }, 'level') ?? Number.POSITIVE_INFINITY;
    const start = args[0] === undefined ? session.cwd : pathArgument(session, args[0]);
    const top = await requireEntry(session.tree, start, 'draw', { signal });
    const wanted = (entry: TreeEntry): boolean =>
      (options.has('all') || !entry.name.startsWith('.')) && (!options.has('dirs') || entry.dirent.kind === 'dir');
    output.record(entryRecord(top));
    output.line(entryStyle(output, top, output.name(start)));
    let dirs = 0;
    let others = 0;
    const open: Level[] = [];
    const turns = new OutputTurns(context);
    const enter = async (entry: TreeEntry, indent: string): Promise<void> => {
      if (entry.dirent.kind !== 'dir' || open.length >= maxDepth) return;
      const listing = damage.pass(session.tree.list(entry, { signal }), entry);
      open.push({ listing, indent, next: await nextWanted(listing, wanted) });
    };
    await enter(top, '');
    for (let deepest = open.at(-1); deepest !== undefined; deepest = open.at(-1)) {
      await turns.next();
      const entry = deepest.next;
      if (entry === undefined) {
        open.pop();
        continue;
      }
      deepest.next = await nextWanted(deepest.listing, wanted);
      if (entry.dirent.kind === 'dir') dirs++;
      else others++;
      output.record(entryRecord(entry));
      const last = deepest.next === undefined;
      output.line(`${deepest.indent}${last ? '└── ' : '├── '}${shownName(output, entry)}`);
      await enter(entry, `${deepest.indent}${last ? '    ' : '│   '}`);
    }
    output.line('');
    output.line(options.has('dirs') ? countText(dirs, 'Dir') : `${countText(dirs, 'Dir')}, ${countText(others, 'other node')}`);
    damage.throwIfAny();
  },
});

async function nextWanted(listing: AsyncIterator<TreeEntry>, wanted: (entry: TreeEntry) => boolean): Promise<TreeEntry | undefined> {
  for (;;) {
    const { value, done } = await listing.next();
    if (done === true) return undefined;
    if (wanted(value)) return value;
  }
}

function shownName(output: Output, entry: TreeEntry): string {
  const name = entryStyle(output, entry, output.name(entry.name));
  return entry.dirent.kind === 'symlink' ? `${name} -> ${output.name(entry.dirent.target)}` : name;
}
