import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { authorOf } from '../../core/archive/author-notes.ts';
import { newestFirst } from '../../core/archive/newest-first.ts';
import { formatStateTime } from '../../core/base/date.ts';
import { VtError } from '../../core/base/errors.ts';
import { appendAll } from '../../core/base/lists.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { pathHistory } from '../../core/history/path-history.ts';
import type { NodeDirent } from '../../core/tree/diff/diff.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { octetsFields, sizeText, timeText } from '../parts/format.ts';
import { entriesIn, logRange } from '../parts/log/log-range.ts';
import { logRoots } from '../parts/log/log-roots.ts';
import { printMessage, stateColumns } from '../parts/log/state-words.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import { numberOption } from '../words/number-option.ts';

/** `log`: the recorded roots, or the states of one path. */
export const log = defineTreeCommand({
  name: 'log',
  group: 'history',
  summary: 'list the recorded roots, or the states of a path, newest first',
  details: [
    'Each line begins with the number for `cd @N` and the local time as `cd @DATE` takes it. Then come the changes since the previous root: +names added, -names removed, ~names changed, the size of new content, and the first path. The user, the host and the commands that made the root follow, and the message of sync -m. With -l, log prints the whole Dirref and compares nothing.',
    'With PATH, log lists only roots in which that path changed or was removed. (+3) means that three later roots have the same version. If PATH was renamed, log continues under the old name, and shows it; --no-follow stops there. Only a name with equal Blocks counts as the old one.',
    'log @STATE and log PATH@STATE begin at that state, so that log finds a PATH that is gone by now. @A..@B lists the states after A up to B, and @A.. those after A.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'a path, a state to begin at (@N), or two (@A..@B)', optional: true, glob: false }],
  options: [
    { name: 'long', short: 'l', summary: 'show the whole text of each reference, as bind and open take it' },
    { name: 'no-follow', summary: 'with PATH: do not continue under the old name of a renamed PATH' },
    { name: 'limit', short: 'n', value: { name: 'N', kind: 'number', min: 1 }, summary: 'show at most N states' },
  ],
  examples: [
    { line: 'log -n 5 docs', says: 'the five latest states of docs' },
    { line: 'log @yesterday..', says: 'what was recorded since yesterday' },
  ],
  records: [
    {
      name: 'State',
      summary: 'a recorded state',
      fields: {
        number: 'integer',
        when: 'time',
        name: 'name',
        reference: 'text',
        added: 'integer?',
        removed: 'integer?',
        changed: 'integer?',
        new_bytes: 'integer?',
        more: 'true?',
        first: 'name?',
        changes: { choices: ['unknown'], optional: true },
        merges: 'time|null[]?',
        host: 'text?',
        user: 'text?',
        commands: 'text?',
        message: 'text?',
        tags: 'text[]?',
        protected: 'true?',
      },
    },
    {
      name: 'PathState',
      summary: 'a recorded state of a path',
      fields: {
        number: 'integer',
        when: 'time',
        gone: 'true?',
        name: 'name?',
        size: 'integer?',
        same: 'integer?',
        path: 'name?',
        reference: 'text?',
        host: 'text?',
        user: 'text?',
        commands: 'text?',
        message: 'text?',
      },
    },
  ],
  async run(context, { args, options }) {
    const { session, diagnostics, signal } = context;
    const { archive } = session;
    if (archive === undefined) throw new VtError('EFAILED', `log "${session.tree.name}": this tree has no archive`);
    const limit = numberOption({ options }, 'limit') ?? Number.POSITIVE_INFINITY;
    const onDamage = (line: number, reason: string): void => diagnostics.warn(`archive "${archive.name}" line ${line}: ${reason}`);
    const entries = newestFirst(archive, { signal, onDamage });
    const range = args[0] === undefined ? undefined : await logRange(context, args[0]);
    const { path, after = 0 } = range ?? {};
    const chosen = range === undefined ? entries : entriesIn(entries, range);
    const long = options.has('long');
    if (path === undefined) {
      await logRoots(context, chosen, { limit, after, long });
      return;
    }
    const states = pathStates(context, newerThan(chosen, after), path, !options.has('no-follow'));
    let shown = 0;
    const turns = new OutputTurns(context);
    for await (const state of states) {
      if (shown++ >= limit) return;
      await turns.next();
      show(context, state, long);
    }
    if (shown === 0) throw new VtError('EFAILED', `log "${octetsToText(path)}": no recorded state has it`);
  },
});

async function* newerThan(entries: AsyncIterable<ArchiveEntry>, number: number): AsyncGenerator<ArchiveEntry> {
  for await (const entry of entries) if (entry.number > number) yield entry;
}

interface State {
  readonly archived: ArchiveEntry;
  /** The node there, or undefined where the path does not exist in that root. */
  readonly node: NodeDirent | undefined;
  readonly size: number | undefined;
  /** Number of later roots with the same state. */
  readonly same?: number;
  /** Its path in that root, if it differs from the requested one. */
  readonly oldPath?: TreePath | undefined;
}

async function* pathStates(
  { session, signal }: TreeContext,
  entries: AsyncIterable<ArchiveEntry>,
  path: TreePath,
  follow: boolean,
): AsyncGenerator<State> {
  for await (const state of pathHistory(session.tree.store, entries, path, { signal, follow })) {
    const { archived, dirent: node, same } = state;
    yield { archived, node, same, size: node && state.size, oldPath: state.path === path ? undefined : state.path };
  }
}

function show({ output }: TreeContext, { archived, node, size, same = 0, oldPath }: State, long: boolean): void {
  const reference = node === undefined ? undefined : formatDirent(node);
  const { host, user, command, message } = authorOf(archived.notes);
  output.record({
    number: archived.number,
    when: timeText(archived.whenNs),
    ...(node === undefined ? { gone: true } : octetsFields('name', node.name)),
    ...(size === undefined ? {} : { size, same }),
    ...(oldPath === undefined ? {} : octetsFields('path', oldPath)),
    ...(reference === undefined ? {} : { reference }),
    host,
    user,
    commands: command,
    message,
  });
  const columns = [`@${archived.number}`.padEnd(5), formatStateTime(archived.whenNs)];
  if (node === undefined) columns.push('gone');
  else if (size !== undefined) columns.push((node.kind === 'dir' ? 'Dir' : sizeText(size)) + (same > 0 ? ` (+${same})` : ''));
  if (oldPath !== undefined) columns.push(`was ${output.name(oldPath)}`);
  if (long && reference !== undefined) columns.push(output.style('ref', reference));
  appendAll(columns, stateColumns(output, archived));
  output.line(columns.join('  '));
  printMessage(output, archived);
}
