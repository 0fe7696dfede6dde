import { formatLocalMinute } from '../../core/base/date.ts';
import { largestOf } from '../../core/base/lists.ts';
import type { Octets } from '../../core/base/octets.ts';
import { compareOctets, octetsToBytes } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { Tree, TreeEntry } from '../../core/tree/tree.ts';
import type { CommandInput, Output, TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { damageAt } from '../parts/damage.ts';
import { displayWidths } from '../parts/display-width.ts';
import { forEachItem } from '../parts/each.ts';
import type { HeldEntry } from '../parts/entry.ts';
import { findEntry } from '../parts/entry.ts';
import { entryRecord, groupText, modeOf, modeText, ownerText, sizeText } from '../parts/format.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import { ENTRY_RECORD } from '../parts/records.ts';

/** `ls`: the entries of Dirs. */
export const ls = defineTreeCommand({
  name: 'ls',
  aliases: ['dir'],
  group: 'list',
  summary: 'list the entries of a Dir',
  details: ['NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a Dir or any entry; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'one', short: '1', summary: 'print one name per line, as into a pipe' },
    { name: 'all', short: 'a', summary: 'show names that start with a dot too' },
    { name: 'long', short: 'l', summary: 'show mode, links, owner, group, size and time' },
    { name: 'numeric', short: 'n', aliases: ['numeric-uid-gid'], summary: 'as -l, with numbers for owner and group' },
    { name: 'classify', short: 'F', summary: 'mark names: / Dir, @ symlink, * program, | FIFO, = socket' },
    { name: 'human', short: 'h', aliases: ['human-readable'], summary: 'show sizes with K, M, G in long lines' },
    { name: 'time', short: 't', summary: 'sort by time, the newest first' },
    { name: 'size', short: 'S', summary: 'sort by size, the largest first' },
    { name: 'reverse', short: 'r', summary: 'reverse the order' },
    { name: 'recursive', short: 'R', summary: 'list the Dirs below too' },
    { name: 'directory', short: 'd', summary: 'list a Dir itself, not its entries' },
    { name: 'null', short: '0', summary: 'end each name with NUL instead of newline' },
  ],
  examples: [{ line: 'ls -lh *.pdf', says: 'the PDF files here, with readable sizes' }],
  records: [ENTRY_RECORD],
  async run(context, input) {
    const held: HeldEntry[] = [];
    try {
      await listAll(context, input, held);
    } finally {
      for (const found of held) await found[Symbol.asyncDispose]();
    }
  },
});

/** Lists the named entries; adds the found entries to `held`, which the caller disposes of. */
async function listAll(context: TreeContext, input: CommandInput, held: HeldEntry[]): Promise<void> {
  const { session, signal } = context;
  const names = input.args.length === 0 ? ['.' as Octets] : input.args;
  const files: Shown[] = [];
  const dirs: Shown[] = [];
  const trees = new Map<Shown, Tree>();
  await forEachItem(context, names, async (shown) => {
    const isDirItself = input.options.has('directory');
    // As `ls`: a symlink that is named leads to its Dir, but not in long lines.
    const follow = !isDirItself && !isLong(input.options);
    const found = await findEntry(session, shown, 'list', { follow: shown.endsWith('/'), signal });
    held.push(found);
    const { tree, path } = found;
    const target = follow && found.entry.dirent.kind === 'symlink' ? await tree.lookup(path, { signal }) : undefined;
    const item = { shown, entry: { ...(target ?? found.entry), path } };
    trees.set(item, tree);
    (item.entry.dirent.kind === 'dir' && !isDirItself ? dirs : files).push(item);
  });
  await printEntries(context, input, sorted(files, input));
  const isHeaded = names.length > 1 || input.options.has('recursive');
  let isFirst = files.length === 0;
  for (const item of sorted(dirs, input)) {
    await listDir(context, input, { shown: item.shown, path: item.entry.path, tree: trees.get(item) ?? session.tree }, isHeaded, isFirst);
    isFirst = false;
  }
}

/** An entry and its name in this listing. */
interface Shown {
  readonly shown: Octets;
  readonly entry: TreeEntry;
}

async function listDir(
  context: TreeContext,
  input: CommandInput,
  top: { readonly shown: Octets; readonly path: TreePath; readonly tree: Tree },
  isHeaded: boolean,
  isFirst: boolean,
): Promise<void> {
  const { output, signal } = context;
  const { options } = input;
  const turns = new OutputTurns(context);
  const pending: { readonly shown: Octets; readonly at: TreePath | TreeEntry }[] = [{ shown: top.shown, at: top.path }];
  for (let dir = pending.pop(), first = isFirst; dir !== undefined; dir = pending.pop(), first = false) {
    if (isHeaded) {
      if (!first) output.line('');
      output.line(`${output.name(dir.shown)}:`);
    }
    const below: Shown[] = [];
    const held: Shown[] = [];
    const streams =
      !isLong(options) && !options.has('time') && !options.has('size') && !options.has('reverse') && (!output.terminal || output.json);
    try {
      for await (const entry of top.tree.list(dir.at, { signal })) {
        const turn = turns.next();
        if (turn !== undefined) await turn;
        if (!options.has('all') && entry.name.startsWith('.')) continue;
        const item = { shown: entry.name, entry };
        if (entry.dirent.kind === 'dir' && options.has('recursive')) below.push(item);
        if (streams) await printEntries(context, input, [item]);
        else held.push(item);
      }
    } catch (error) {
      throw damageAt(error, 'list', typeof dir.at === 'string' ? dir.at : dir.at.path);
    }
    await printEntries(context, input, sorted(held, input));
    const parent = dir.shown;
    for (const { entry } of sorted(below, input).reverse())
      pending.push({ shown: `${parent}${parent.endsWith('/') ? '' : '/'}${entry.name}` as Octets, at: entry });
  }
}

function sorted(items: readonly Shown[], { options }: CommandInput): Shown[] {
  const byName = (a: Shown, b: Shown): number => compareOctets(a.shown, b.shown);
  const order = options.has('time')
    ? (a: Shown, b: Shown): number => compareTimes(b.entry.dirent.meta.mtimeNs, a.entry.dirent.meta.mtimeNs) || byName(a, b)
    : options.has('size')
      ? (a: Shown, b: Shown): number => b.entry.size - a.entry.size || byName(a, b)
      : byName;
  const result = [...items].sort(order);
  return options.has('reverse') ? result.reverse() : result;
}

function compareTimes(a: bigint | undefined, b: bigint | undefined): number {
  const [left, right] = [a ?? 0n, b ?? 0n];
  return left < right ? -1 : left > right ? 1 : 0;
}

async function printEntries({ output }: TreeContext, { options }: CommandInput, items: readonly Shown[]): Promise<void> {
  if (items.length === 0) return;
  if (output.json) {
    for (const { entry } of items) output.record(entryRecord(entry));
  } else if (options.has('null')) {
    for (const { shown } of items) await output.bytes(octetsToBytes(`${shown}\0` as Octets));
  } else if (isLong(options)) printLong(output, items, options);
  else if (output.terminal && !options.has('one')) await printColumns(output, items, options);
  else for (const item of items) output.line(styled(output, item, options));
}

type Options = CommandInput['options'];

function isLong(options: Options): boolean {
  return options.has('long') || options.has('numeric');
}

function printLong(output: Output, items: readonly Shown[], options: Options): void {
  const isNumeric = options.has('numeric');
  const rows = items.map(({ shown, entry }) => {
    const { dirent } = entry;
    const { rdev } = dirent.meta;
    const size =
      rdev !== undefined && (dirent.kind === 'char' || dirent.kind === 'block')
        ? `${rdev.major}, ${rdev.minor}`
        : options.has('human')
          ? sizeText(entry.size)
          : String(entry.size);
    const target = dirent.kind === 'symlink' ? ` -> ${output.name(dirent.target)}` : '';
    const left = [
      modeText(dirent),
      String(entry.nlink),
      isNumeric ? String(dirent.meta.uid ?? '-') : ownerText(dirent),
      isNumeric ? String(dirent.meta.gid ?? '-') : groupText(dirent),
      size,
      dirent.meta.mtimeNs === undefined ? '' : formatLocalMinute(dirent.meta.mtimeNs),
    ] as const;
    return { left, name: styled(output, { shown, entry }, options) + target };
  });
  const width = (column: number): number => largestOf(rows.map(({ left }) => left[column]?.length ?? 0));
  const widths = [0, 1, 2, 3, 4, 5].map(width);
  for (const { left, name } of rows) {
    const cells = left.map((cell, i) => (i === 1 || i === 4 ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)));
    output.line(`${cells.join(' ')} ${name}`);
  }
}

/** Minimum width of a column: a character and the blanks after it. */
const MIN_COLUMN = 3;

/** Names in as many columns as fit, read downwards. */
async function printColumns(output: Output, items: readonly Shown[], options: Options): Promise<void> {
  const shown = await displayWidths(items.map((item) => output.name(item.shown)));
  const names = items.map((item, i) => (shown[i] ?? 0) + markOf(item, options).length);
  for (let columns = Math.max(1, Math.floor((output.columns + 2) / MIN_COLUMN)); ; columns--) {
    const rows = Math.ceil(items.length / columns);
    const widths: number[] = [];
    for (let start = 0; start < items.length; start += rows) widths.push(largestOf(names.slice(start, start + rows)));
    const total = widths.reduce((sum, width) => sum + width + 2, -2);
    if (total > output.columns && columns > 1) continue;
    for (let row = 0; row < rows; row++) {
      let line = '';
      for (const [column, width] of widths.entries()) {
        const index = column * rows + row;
        const item = items[index];
        if (item === undefined) break;
        const isLast = index + rows >= items.length;
        line += styled(output, item, options) + (isLast ? '' : ' '.repeat(width - (names[index] ?? 0) + 2));
      }
      output.line(line);
    }
    return;
  }
}

/** The mark that -F puts after a name. */
function markOf({ entry: { dirent } }: Shown, options: Options): string {
  if (!options.has('classify')) return '';
  if (dirent.kind === 'file') return (modeOf(dirent) & 0o111) !== 0 ? '*' : '';
  return MARKS[dirent.kind] ?? '';
}

const MARKS: Readonly<Record<string, string>> = { dir: '/', symlink: '@', fifo: '|', socket: '=' };

function styled(output: Output, item: Shown, options: Options): string {
  return `${colouredName(output, item)}${markOf(item, options)}`;
}

function colouredName(output: Output, { shown, entry }: Shown): string {
  const name = output.name(shown);
  switch (entry.dirent.kind) {
    case 'dir':
      return output.style('dir', name);
    case 'symlink':
      return output.style('symlink', name);
    case 'file':
      return (modeOf(entry.dirent) & 0o111) !== 0 ? output.style('exec', name) : name;
    default:
      return output.style('special', name);
  }
}
