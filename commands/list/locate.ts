import type { ArchiveEntry } from '../../core/archive/archive.ts';
import { newestFirst } from '../../core/archive/newest-first.ts';
import { formatStateTime } from '../../core/base/date.ts';
import { VtError } from '../../core/base/errors.ts';
import { compileGlob } from '../../core/base/glob-pattern.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import type { DirDirent } from '../../core/dirent/dirent.ts';
import { diffDirents, type NodeDirent } from '../../core/tree/diff/diff.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { octetsFields, sizeText, timeText } from '../parts/format.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import { ENTRY_TYPE } from '../parts/records.ts';
import { numberOption } from '../words/number-option.ts';

/** `locate`: names in any recorded state. */
export const locate = defineCommand({
  name: 'locate',
  group: 'list',
  summary: 'find names in all recorded states',
  details: [
    'NAME without * ? [ ] is found anywhere in the last element of a path; with them, the whole element must match. Quote it, or the shell expands it first. Each path is listed once, with the newest state that has it, as `PATH@N`. Other commands take that word: `get PATH@N`.',
    'Dirs that two states share are read once. The paths of the newest state come first.',
  ],
  args: [{ name: 'name', kind: 'text', summary: 'a part of the name, or a pattern' }],
  options: [
    { name: 'ignore-case', short: 'i', summary: 'in upper or lower case' },
    { name: 'limit', short: 'n', value: { name: 'N', kind: 'number', min: 1 }, summary: 'stop after N paths' },
  ],
  examples: [
    { line: 'locate invoice', says: 'where was that file, and when?' },
    { line: "locate '*.ods'", says: 'every spreadsheet that ever was' },
  ],
  records: [
    {
      name: 'Located',
      summary: 'a name in a recorded state',
      fields: { path: 'name', number: 'integer', when: 'time', kind: ENTRY_TYPE, size: 'integer?' },
    },
  ],
  async run(context, input) {
    const { session, diagnostics, signal } = context;
    const { archive } = session;
    const [name = '' as Octets] = input.args;
    if (archive === undefined) throw new VtError('EFAILED', `locate "${session.tree.name}": this tree has no archive`);
    const matches = nameTest(name, input.options.has('ignore-case'));
    const limit = numberOption(input, 'limit') ?? Number.POSITIVE_INFINITY;
    const onDamage = (line: number, reason: string): void => diagnostics.warn(`archive "${archive.name}" line ${line}: ${reason}`);
    const turns = new OutputTurns(context);
    let count = 0;
    for await (const found of pathsEver(context, newestFirst(archive, { signal, onDamage }), matches)) {
      await turns.next();
      show(context, found);
      if (++count >= limit) return;
    }
    if (count === 0) throw new VtError('EFAILED', `locate "${octetsToText(name)}": no recorded state has such a name`);
  },
});

/** A path, and the newest state that has it. */
interface Located {
  readonly path: TreePath;
  readonly dirent: NodeDirent;
  readonly entry: ArchiveEntry;
}

/** Each path that passes the test, once. A state is compared with the next newer one, so that only its additional names are tested. */
async function* pathsEver(
  { session, signal, diagnostics }: CommandContext,
  entries: AsyncIterable<ArchiveEntry>,
  matches: (name: Octets) => boolean,
): AsyncGenerator<Located> {
  const told = new Set<TreePath>();
  let newer: DirDirent | undefined;
  for await (const entry of entries) {
    if (entry.dirent.kind !== 'dir') continue;
    try {
      for await (const item of diffDirents(session.tree.store, newer, entry.dirent, { signal })) {
        if (item.kind !== 'added' || item.path === '/' || !matches(item.after.name) || told.has(item.path)) continue;
        told.add(item.path);
        yield { path: item.path, dirent: item.after, entry };
      }
      newer = entry.dirent;
    } catch (error) {
      // The other states may be undamaged.
      if (!(error instanceof VtError) || !['EMISSING', 'ECORRUPT', 'EPARSE'].includes(error.code)) throw error;
      diagnostics.failure(new VtError(error.code, `read "@${entry.number}": ${error.message}`, { cause: error }));
    }
  }
}

function show({ output }: CommandContext, { path, dirent, entry }: Located): void {
  const { number, whenNs } = entry;
  const size = dirent.kind === 'file' ? dirent.block.span : undefined;
  const place = `${output.name(path)}@${number}`;
  output.line(`${place}  ${formatStateTime(whenNs)}  ${size === undefined ? dirent.kind : sizeText(size)}`);
  output.record({ ...octetsFields('path', path), number, when: timeText(whenNs), kind: dirent.kind, size });
}

function nameTest(name: Octets, anyCase: boolean): (name: Octets) => boolean {
  const fold = (octets: Octets): Octets => (anyCase ? octetsFromText(octetsToText(octets).toLowerCase()) : octets);
  const wanted = fold(name);
  if (!/[*?[\]]/.test(wanted)) return (each) => fold(each).includes(wanted);
  const matches = compileGlob(wanted);
  return (each) => matches(fold(each));
}
