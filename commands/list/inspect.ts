import { newestFirst } from '../../core/archive/newest-first.ts';
import { formatLocalTime, formatStateTime } from '../../core/base/date.ts';
import { PathError, UsageError, VtError } from '../../core/base/errors.ts';
import { groupedDigits } from '../../core/base/grouped-digits.ts';
import { appendAll } from '../../core/base/lists.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import { formatBlock } from '../../core/block/block-text.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import type { PathState } from '../../core/history/path-history.ts';
import { pathHistory } from '../../core/history/path-history.ts';
import type { BlockInspection } from '../../core/tree/inspect.ts';
import { inspectBlock } from '../../core/tree/inspect.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import { isDamage } from '../../core/tree/walk.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { forEachItem } from '../parts/each.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { countText, sizeText, timeText } from '../parts/format.ts';
import type { Field } from '../parts/metadata.ts';
import { metadataFields, metadataRecord, printFields } from '../parts/metadata.ts';
import { drawHistogram, histogramRecord, writeHistogram } from '../parts/pictures/histogram.ts';
import { ENTRY_TYPE, HISTOGRAM_FIELD, METADATA_FIELDS } from '../parts/records.ts';
import { numberOption } from '../words/number-option.ts';
import type { RecordSpec } from '../words/record-spec.ts';

const INSPECTION_RECORD: RecordSpec = {
  name: 'Inspection',
  summary: 'the metadata of a name, its Blocks and its earlier states',
  fields: {
    ...METADATA_FIELDS,
    reference: 'text',
    block: 'text?',
    prev: 'text?',
    salted: 'true?',
    tree: {
      fields: {
        depth: 'integer',
        superblocks: 'integer',
        leaves: 'integer',
        stored_leaves: 'integer',
        stored_bytes: 'integer',
        literal_leaves: 'integer',
        run_leaves: 'integer',
        run_bytes: 'integer',
        unique_leaves: 'integer',
        unique_bytes: 'integer',
        histogram: HISTOGRAM_FIELD,
      },
      optional: true,
    },
    store: {
      fields: { needed_blocks: 'integer', present_blocks: 'integer', needed_bytes: 'integer', present_bytes: 'integer' },
      optional: true,
    },
    unique_share: 'number?',
    present_share: 'number?',
    damage: 'text?',
    previous: { fields: { type: ENTRY_TYPE, size: 'integer?', mtime: 'time?', reference: 'text' }, list: true, optional: true },
    map: {
      fields: { start: 'integer', bytes: 'integer', part: { choices: ['only-here', 'repeated', 'run', 'shared'] }, with: 'name?' },
      list: true,
      optional: true,
    },
    shared_with: { fields: { path: 'name', bytes: 'integer' }, list: true, optional: true },
    history: {
      fields: {
        number: 'integer',
        when: 'time',
        gone: 'true?',
        type: { ...ENTRY_TYPE, optional: true },
        size: 'integer?',
        reference: 'text?',
      },
      list: true,
    },
  },
};

/** States shown by default. */
const DEFAULT_STATES = 10;

/** `inspect`: shows everything known of a node. */
export const inspect = defineTreeCommand({
  name: 'inspect',
  group: 'list',
  summary: 'show everything about a node: metadata, Blocks, history',
  details: [
    'inspect shows what stat shows, and the text forms of the block reference and of the Dirent, which bind and open take. It shows the depth and the leaves of the Block tree, how many of its Blocks the Store has, and what share of the leaves occurs once. It lists the earlier states in the archive, and those that put --previous kept in the node itself. For a Dir the Blocks are those of its listing; du sums its contents.',
    '--histogram draws the sizes of the leaves, and --svg writes the picture into a file. --map draws which parts of a file also occur in other files of the tree, and names those files. It reads the Block trees of all files. With --json all of this is one object.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'the nodes; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'histogram', short: 'H', summary: 'draw the sizes of the leaves' },
    { name: 'map', short: 'm', summary: 'draw which Blocks of a file also occur in other files' },
    { name: 'svg', value: { name: 'FILE', kind: 'local' }, summary: 'write that picture of one node into a local file' },
    {
      name: 'states',
      short: 'n',
      value: { name: 'N', kind: 'number', min: 0 },
      summary: `at most N earlier states; default ${DEFAULT_STATES}`,
    },
  ],
  examples: [{ line: 'inspect docs/letter', says: 'the file, its Blocks and its earlier states' }],
  records: [INSPECTION_RECORD],
  async run(context, { args, options }) {
    const { session, signal } = context;
    const limit = numberOption({ options }, 'states') ?? DEFAULT_STATES;
    const svg = options.get('svg');
    if (svg !== undefined && args.length > 1) throw new UsageError('inspect --svg: expected one path');
    const paths = args.length === 0 ? [session.cwd] : args.map((argument) => pathArgument(session, argument));
    let isFirst = true;
    await forEachItem(context, paths, async (path) => {
      const entry = await requireEntry(session.tree, path, 'inspect', { follow: false, signal });
      await inspectOne(context, entry, {
        limit,
        drawn: options.has('histogram'),
        mapped: options.has('map'),
        svg: svg === true ? undefined : svg,
        isFirst,
      });
      isFirst = false;
    });
  },
});

async function inspectOne(
  context: TreeContext,
  found: TreeEntry,
  how: {
    readonly limit: number;
    readonly drawn: boolean;
    readonly mapped: boolean;
    readonly svg: Octets | undefined;
    readonly isFirst: boolean;
  },
): Promise<void> {
  const { session, output, signal } = context;
  // The self-contained Dirent: its text opens the same node anywhere, and its Block is up to date.
  const dirent = await session.tree.dirent(found.path, { signal });
  const entry: TreeEntry = { ...found, dirent };
  const block = dirent.kind === 'file' || dirent.kind === 'dir' ? dirent.block : undefined;
  const { blocks, damage } = await blocksOf(context, block);
  const history = await statesOf(context, entry, how.limit);
  const previous = await previousOf(context, dirent, how.limit);
  const pictures = how.mapped && damage === undefined ? await import('../parts/pictures/block-map.ts') : undefined;
  const map = dirent.kind === 'file' ? await pictures?.mapBlocks(context, found, dirent.block) : undefined;
  const text = formatDirent(dirent);

  output.record({
    ...metadataRecord(entry),
    reference: text,
    ...(block === undefined ? {} : { block: formatBlock(block) }),
    ...(dirent.prev === undefined ? {} : { prev: formatBlock(dirent.prev) }),
    ...(dirent.kind === 'dir' && dirent.salt !== undefined ? { salted: true } : {}),
    ...(blocks === undefined ? {} : blocksRecord(blocks)),
    ...(damage === undefined ? {} : { damage: damage.message }),
    ...(dirent.prev === undefined
      ? {}
      : { previous: previous.map((state) => ({ ...stateRecord(state), reference: formatDirent(state) })) }),
    ...(map === undefined ? {} : pictures?.blockMapRecord(map)),
    history: history.map(({ archived, dirent: state, size }) => ({
      number: archived.number,
      when: timeText(archived.whenNs),
      ...(state === undefined ? { gone: true } : { type: state.kind, size, reference: formatDirent(state) }),
    })),
  });

  if (!how.isFirst) output.line('');
  const fields: Field[] = metadataFields(output, entry);
  if (block !== undefined) fields.push(['block', output.style('ref', formatBlock(block))]);
  if (blocks !== undefined) appendAll(fields, blocksFields(blocks));
  if (damage !== undefined) fields.push(['damage', output.style('error', damage.message)]);
  if (dirent.kind === 'dir' && dirent.salt !== undefined) fields.push(['salt', `${dirent.salt.length} bytes`]);
  if (dirent.prev !== undefined) fields.push(['prev', output.style('ref', formatBlock(dirent.prev))]);
  fields.push(['dirent', output.style('ref', text)]);
  for (const state of previous) fields.push(['earlier', `${stateText(state)}  ${output.style('ref', formatDirent(state))}`]);
  for (const { archived, dirent: state, size, path } of history) {
    const shown = state === undefined ? 'gone' : state.kind === 'dir' ? 'Dir' : sizeText(size);
    const was = path === entry.path ? '' : `  was ${output.name(path)}`;
    fields.push(['state', `@${archived.number}  ${formatStateTime(archived.whenNs)}  ${shown}${was}`]);
  }
  printFields(output, fields);
  if (how.drawn && blocks !== undefined) drawHistogram(context, blocks.stats.histogram);
  if (map !== undefined) await pictures?.drawBlockMap(context, map);
  if (how.svg !== undefined) await writeHistogram(context, how.svg, blocks?.stats.histogram ?? [], octetsToText(entry.path));
  if (damage !== undefined) throw damage;
}

/** Earlier states stored in the Dirent itself, newest first, each without its own earlier states. */
async function previousOf({ session, signal, diagnostics }: TreeContext, dirent: Dirent, limit: number): Promise<Dirent[]> {
  const states: Dirent[] = [];
  if (dirent.prev === undefined || limit === 0) return states;
  const { previousStates } = await import('../../core/tree/previous-states.ts');
  try {
    for await (const { prev: _, ...state } of previousStates(session.tree.store, dirent, { signal })) {
      states.push(state as Dirent);
      if (states.length >= limit) break;
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
    diagnostics.warn(`inspect: earlier states cannot be read: ${error.message}`);
  }
  return states;
}

function stateText(state: Dirent): string {
  const when = state.meta.mtimeNs === undefined ? 'no time' : formatLocalTime(state.meta.mtimeNs);
  return `${when}  ${state.kind === 'file' ? sizeText(state.block.span) : state.kind === 'dir' ? 'Dir' : state.kind}`;
}

function stateRecord(state: Dirent): Record<string, unknown> {
  const mtime = state.meta.mtimeNs === undefined ? {} : { mtime: timeText(state.meta.mtimeNs) };
  return { type: state.kind, ...(state.kind === 'file' ? { size: state.block.span } : {}), ...mtime };
}

async function blocksOf(
  { session, signal }: TreeContext,
  block: Block | undefined,
): Promise<{ readonly blocks?: BlockInspection; readonly damage?: VtError }> {
  if (block === undefined) return {};
  try {
    return { blocks: await inspectBlock(session.tree.store, session.store, block, { signal }) };
  } catch (error) {
    if (error instanceof VtError && (error.code === 'EMISSING' || error.code === 'ECORRUPT')) return { damage: error };
    throw error;
  }
}

/** Earlier recorded states of the path, newest first, without the present state. */
async function statesOf({ session, signal, diagnostics }: TreeContext, entry: TreeEntry, limit: number): Promise<PathState[]> {
  const states: PathState[] = [];
  const { archive } = session;
  if (archive === undefined || limit === 0) return states;
  const entries = newestFirst(archive, { signal });
  const present = formatDirent(entry.dirent);
  try {
    for await (const state of pathHistory(session.store, entries, entry.path, { signal })) {
      if (states.length === 0 && state.dirent !== undefined && formatDirent(state.dirent) === present) continue;
      states.push(state);
      if (states.length >= limit) break;
    }
  } catch (error) {
    if (!(error instanceof VtError) || error.code === 'ECANCELLED' || error instanceof PathError) throw error;
    diagnostics.warn(`inspect: older states cannot be read: ${error.message}`);
  }
  return states;
}

function blocksFields({ stats, neededBlocks, presentBlocks }: BlockInspection): Field[] {
  const kinds = [
    [stats.hashedLeaves, 'stored'],
    [stats.literalLeaves, 'literal'],
    [stats.runLeaves, 'run'],
  ] as const;
  const leaves = kinds.flatMap(([count, kind]) => (count > 0 ? [`${groupedDigits(count)} ${kind}`] : []));
  const fields: Field[] = [
    [
      'tree',
      `depth ${stats.depth}, ${countText(stats.superblocks, 'superblock')}, ${countText(stats.leaves, 'leaf', 'leaves')}${leaves.length > 0 ? `: ${leaves.join(', ')}` : ''}`,
    ],
  ];
  if (stats.hashedLeaves > 0) fields.push(['sizes', `${sizeText(stats.hashedBytes / stats.hashedLeaves)} a stored leaf on average`]);
  fields.push([
    'in Store',
    `${groupedDigits(presentBlocks)} of ${countText(neededBlocks, 'Block')} (${percent(presentBlocks, neededBlocks)})`,
  ]);
  fields.push([
    'unique',
    `${sizeText(stats.uniqueBytes)} of ${sizeText(stats.hashedBytes)} (${percent(stats.uniqueBytes, stats.hashedBytes)})`,
  ]);
  return fields;
}

function blocksRecord({ stats, ...presence }: BlockInspection): Record<string, unknown> {
  return {
    tree: {
      depth: stats.depth,
      superblocks: stats.superblocks,
      leaves: stats.leaves,
      stored_leaves: stats.hashedLeaves,
      stored_bytes: stats.hashedBytes,
      literal_leaves: stats.literalLeaves,
      run_leaves: stats.runLeaves,
      run_bytes: stats.runBytes,
      unique_leaves: stats.uniqueLeaves,
      unique_bytes: stats.uniqueBytes,
      histogram: histogramRecord(stats.histogram),
    },
    store: {
      needed_blocks: presence.neededBlocks,
      present_blocks: presence.presentBlocks,
      needed_bytes: presence.neededBytes,
      present_bytes: presence.presentBytes,
    },
    unique_share: stats.hashedBytes === 0 ? 1 : stats.uniqueBytes / stats.hashedBytes,
    present_share: presence.neededBlocks === 0 ? 1 : presence.presentBlocks / presence.neededBlocks,
  };
}

function percent(part: number, whole: number): string {
  return whole === 0 ? '100%' : `${((part / whole) * 100).toFixed(part === whole ? 0 : 1)}%`;
}
