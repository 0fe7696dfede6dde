import { UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Change, ChangesOptions } from '../../core/tree/diff/changes.ts';
import { changesOf } from '../../core/tree/diff/changes.ts';
import type { NodeDirent } from '../../core/tree/diff/diff.ts';
import { sameBytes } from '../../core/tree/diff/side-content.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { joinPath, splitPath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { damageAt } from '../parts/damage.ts';
import { showContent } from '../parts/diff/diff-content.ts';
import { metaDifferences } from '../parts/diff/diff-meta.ts';
import type { NamedSides } from '../parts/diff/diff-sides.ts';
import { shownTop, withSides } from '../parts/diff/diff-sides.ts';
import { DiffStat } from '../parts/diff/diff-stat.ts';
import { countText, octetsFields, sizeText } from '../parts/format.ts';
import { ENTRY_TYPE } from '../parts/records.ts';
import { numberOption } from '../words/number-option.ts';

/** A run of bytes. */
const RANGE_FIELD = { fields: { start: 'integer', size: 'integer' } } as const;

/** `diff`: how two trees or files differ. */
export const diff = defineTreeCommand({
  name: 'diff',
  group: 'history',
  summary: 'show how two states, trees or files differ',
  details: [
    'Without arguments, diff compares the tree with its last recorded state. If nothing has changed since, it takes the state before that. diff PATH does so for one path. diff PATH@N and diff @DATE compare that state with the present one. With two arguments, or @A..@B, diff compares A with B. Each is a path, PATH@N, PATH@DATE, a Dirref, or a Store as open takes it. file:PATH is a local file or directory.',
    'diff prints one line for each difference. + is a new name, and - a removed one. M is changed content, U is changed metadata only, and R is a renamed file or Dir with equal Blocks. The path follows, then a tab and the details. Two files that are text of at most 4 MiB are shown as a patch, others by the byte ranges that differ. -u shows patches of all files, for patch -p1.',
    'Dirs with equal Blocks are not read. Files with different Blocks but equal bytes are the same. diff compares the metadata that get restores, except modification times of Dirs. It reads a local file only if the sizes are equal. It does not find renames of local files, or any renames if more than 200,000 names are new or removed.',
    '--stat sums for each Dir the bytes of new and of removed Blocks, as du does, and counts the names below. diff ends with 0 whether or not there are differences; with --exit-code it fails (1) if there are any.',
  ],
  args: [
    { name: 'a', kind: 'reference', completes: ['stored'], summary: 'a path, a state, a Dirref, a Store, or file:PATH', optional: true },
    { name: 'b', kind: 'reference', completes: ['stored'], summary: 'what to compare A with; default: the present state', optional: true },
  ],
  options: [
    { name: 'unified', short: 'u', summary: 'show a patch of all files' },
    { name: 'stat', summary: 'sum the bytes of new and removed Blocks below each Dir' },
    {
      name: 'max-depth',
      short: 'd',
      value: { name: 'N', kind: 'number', min: 0 },
      summary: 'with --stat: show Dirs at most N levels down',
    },
    { name: 'human', short: 'h', summary: 'with --stat: sizes in powers of 1024: 1.5K, 12M' },
    { name: 'no-renames', summary: 'show a renamed file as one removed and one new name' },
    { name: 'exit-code', summary: 'fail if there are differences' },
  ],
  examples: [
    { line: 'diff', says: 'shows what the last changes did' },
    { line: 'diff docs@yesterday', says: 'shows what changed in docs since yesterday' },
    { line: 'diff --stat -h @-2', says: 'shows where the tree grew over two states' },
    { line: 'diff docs file:~/docs', says: 'compares docs with the copy on disk' },
  ],
  records: [
    {
      name: 'Difference',
      summary: 'a difference between two trees',
      fields: {
        change: { choices: ['added', 'removed', 'changed', 'renamed'] },
        path: 'name',
        from: 'name?',
        type: ENTRY_TYPE,
        size_before: 'integer?',
        size_after: 'integer?',
        content: 'boolean?',
        meta: { fields: { field: 'text', before: 'text?', after: 'text?' }, list: true, optional: true },
      },
    },
    { name: 'Patch', summary: 'the differences of two texts', fields: { path: 'name', patch: 'name' } },
    {
      name: 'Range',
      summary: 'a range of bytes that differ',
      fields: { path: 'name', range: { fields: { before: RANGE_FIELD, after: RANGE_FIELD } } },
    },
    {
      name: 'DirChanges',
      summary: 'new and removed bytes below a Dir',
      fields: { path: 'name', added_bytes: 'integer', removed_bytes: 'integer' },
    },
    {
      name: 'DifferenceCounts',
      summary: 'the end of a comparison',
      fields: {
        added: 'integer',
        removed: 'integer',
        changed: 'integer',
        renamed: 'integer',
        added_bytes: 'integer',
        removed_bytes: 'integer',
      },
    },
  ],
  async run(context, { args, options }) {
    const isStat = options.has('stat');
    if (isStat && options.has('unified')) throw new UsageError('diff: --stat and -u exclude each other');
    const stat = new DiffStat(numberOption({ options }, 'max-depth') ?? Number.POSITIVE_INFINITY);
    await withSides(context, 'diff', args, async (sides) => {
      const top = shownTop(sides);
      const tally: Tally = { added: 0, removed: 0, changed: 0, renamed: 0, addedBytes: 0, removedBytes: 0 };
      const areFiles = sides.before.side.top?.kind === 'file' && sides.after.side.top?.kind === 'file';
      const isPatch = options.has('unified') || areFiles;
      try {
        for await (const change of changesOf(sides.before.side, sides.after.side, settings(context, sides, options.has('no-renames')))) {
          const shown = splitPath(change.path).reduce(joinPath, top);
          tally[change.kind]++;
          if (isStat) await stat.add(change, sides, context.signal);
          else await show(context, sides, change, { shown, top, isPatch, areFiles, tally });
        }
      } catch (error) {
        throw damageAt(error, 'diff', top);
      }
      if (isStat) showStat(context, stat, { top, human: options.has('human'), tally });
      else if (!isPatch) context.output.line(summaryOf(tally));
      const { addedBytes, removedBytes, ...counts } = tally;
      if (!isStat) context.output.record({ ...counts, added_bytes: addedBytes, removed_bytes: removedBytes });
      const total = tally.added + tally.removed + tally.changed + tally.renamed;
      if (options.has('exit-code') && total > 0) throw new VtError('EFAILED', `diff: ${countText(total, 'difference')}`);
    });
  },
});

interface Tally {
  added: number;
  removed: number;
  changed: number;
  renamed: number;
  addedBytes: number;
  removedBytes: number;
}

function settings({ signal, diagnostics }: TreeContext, { before, after }: NamedSides, noRenames: boolean): ChangesOptions {
  const lenient = before.isLocal || after.isLocal;
  return {
    signal,
    renames: !noRenames && !lenient,
    onTooMany: () => diagnostics.warn('diff: too many names are new or gone to look for renames among them'),
    sameMeta: (a, b) => metaDifferences(a, b, lenient).length === 0,
    sameFile: async (path, a, b) => await sameBytes({ side: before.side, path, file: a }, { side: after.side, path, file: b }, { signal }),
  };
}

interface Showing {
  readonly shown: TreePath;
  readonly top: TreePath;
  readonly isPatch: boolean;
  readonly areFiles: boolean;
  readonly tally: Tally;
}

async function show(context: TreeContext, sides: NamedSides, change: Change, how: Showing): Promise<void> {
  const { output } = context;
  const { shown, isPatch, areFiles, tally } = how;
  const facts: string[] = [];
  let mark = 'M';
  let from: TreePath | undefined;
  const before = change.kind === 'added' ? undefined : change.before;
  const after = change.kind === 'removed' ? undefined : change.after;
  const differences =
    before === undefined || after === undefined ? [] : metaDifferences(before, after, sides.before.isLocal || sides.after.isLocal);
  switch (change.kind) {
    case 'added':
      mark = '+';
      tally.addedBytes += sizeOf(change.after) ?? 0;
      facts.push(factOf(change.after));
      break;
    case 'removed':
      mark = '-';
      tally.removedBytes += sizeOf(change.before) ?? 0;
      facts.push(factOf(change.before));
      break;
    case 'renamed':
      mark = 'R';
      from = splitPath(change.from).reduce(joinPath, how.top);
      facts.push(`from ${output.name(from)}`);
      break;
    case 'changed':
      if (change.content) facts.push(contentFact(change.before, change.after));
      else mark = 'U';
      break;
  }
  for (const { field, before: old, after: now } of differences)
    facts.push(field === 'xattrs' || field === 'mtime' ? field : `${field} ${old ?? '-'} -> ${now ?? '-'}`);
  output.record({
    change: change.kind,
    ...octetsFields('path', shown),
    ...(from === undefined ? {} : octetsFields('from', from)),
    type: (after ?? before)?.kind,
    ...(before === undefined ? {} : { size_before: sizeOf(before) }),
    ...(after === undefined ? {} : { size_after: sizeOf(after) }),
    ...(change.kind === 'changed' ? { content: change.content } : {}),
    ...(differences.length === 0 ? {} : { meta: differences }),
  });
  const content = { before: fileOf(before), after: fileOf(after) };
  const showsContent =
    isPatch &&
    change.kind !== 'renamed' &&
    (content.before !== undefined || content.after !== undefined) &&
    !(change.kind === 'changed' && !change.content);
  if (!isPatch || (areFiles && differences.length > 0)) output.line(`${mark} ${output.name(shown)}\t${facts.join(', ')}`);
  if (showsContent) await showContent(context, sides, { path: change.path, shown, ...content }, areFiles);
}

function fileOf(dirent: NodeDirent | undefined): Extract<NodeDirent, { kind: 'file' }> | undefined {
  return dirent?.kind === 'file' ? dirent : undefined;
}

function sizeOf(dirent: NodeDirent): number | undefined {
  return dirent.kind === 'file' ? dirent.block.span : undefined;
}

function factOf(dirent: NodeDirent): string {
  if (dirent.kind === 'dir') return 'Dir';
  return dirent.kind === 'file' ? sizeText(dirent.block.span) : dirent.kind;
}

function contentFact(before: NodeDirent, after: NodeDirent): string {
  if (before.kind === 'symlink' && after.kind === 'symlink')
    return `target ${octetsToText(before.target)} -> ${octetsToText(after.target)}`;
  if (before.kind !== 'file' || after.kind !== 'file') return 'device';
  return before.block.span === after.block.span
    ? sizeText(after.block.span)
    : `${sizeText(before.block.span)} -> ${sizeText(after.block.span)}`;
}

function summaryOf({ added, removed, changed, renamed, addedBytes, removedBytes }: Tally, hasBytes = true): string {
  const bytes = (size: number): string => (hasBytes ? ` (${sizeText(size)})` : '');
  const parts = [
    ...(added > 0 ? [`${countText(added, 'name')} new${bytes(addedBytes)}`] : []),
    ...(removed > 0 ? [`${countText(removed, 'name')} gone${bytes(removedBytes)}`] : []),
    ...(changed > 0 ? [`${countText(changed, 'name')} changed`] : []),
    ...(renamed > 0 ? [`${countText(renamed, 'name')} renamed`] : []),
  ];
  return parts.length === 0 ? 'no differences' : parts.join(', ');
}

/** Dirs in which nothing but names or metadata differs are counted in the last line alone. */
function showStat(
  { output }: TreeContext,
  stat: DiffStat,
  { top, human, tally }: { readonly top: TreePath; readonly human: boolean; readonly tally: Tally },
): void {
  const text = (bytes: number): string => (human ? sizeText(bytes) : String(bytes));
  for (const { path, added, removed } of stat.dirs()) {
    const shown = splitPath(path).reduce(joinPath, top);
    output.record({ ...octetsFields('path', shown), added_bytes: added, removed_bytes: removed });
    if (added + removed > 0) output.line(`+${text(added)}\t-${text(removed)}\t${output.name(shown as Octets)}`);
  }
  output.line(summaryOf(tally, false));
}
