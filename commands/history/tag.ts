import type { Archive, ArchiveEntry, ArchiveLines } from '../../core/archive/archive.ts';
import { findEntry } from '../../core/archive/find-entry.ts';
import type { Marks } from '../../core/archive/mark-notes.ts';
import { isTag, marksOf, withMarks } from '../../core/archive/mark-notes.ts';
import { UsageError, VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { CommandContext } from '../command.ts';
import { defineCommand } from '../command.ts';
import { requireLines } from '../parts/archive-lines.ts';
import { MARKS_RECORD } from '../parts/records.ts';

/** `tag`: names for recorded states. */
export const tag = defineCommand({
  name: 'tag',
  group: 'history',
  summary: 'name a recorded state, for use as @NAME',
  changesLocal: true,
  plans: true,
  details: [
    'tag NAME names the newest state, and tag @STATE NAME… another one. `cd @NAME`, `diff @NAME` and PATH@NAME then take that state; if several have the tag, the newest. Without arguments tag lists the states that have tags. -d removes tags from all states, or from @STATE. log shows tags in brackets, and forget --keep-tag keeps the states that have one. A tag begins with a letter, and consists of letters, digits, ., _ and -.',
  ],
  args: [{ name: 'word', kind: 'state', summary: 'a state, @N, @DATE or @TAG, then the tags', repeat: true, optional: true }],
  options: [{ name: 'delete', short: 'd', summary: 'remove the tags' }],
  examples: [{ line: 'tag before-upgrade', says: 'later, diff @before-upgrade shows what changed' }],
  records: [MARKS_RECORD],
  async run(context, { args, options }) {
    const isRemoval = options.has('delete');
    const { named, rest } = splitStates(args);
    const tags = rest.map((word) => octetsToText(word));
    const bad = tags.find((word) => !isTag(word));
    if (bad !== undefined) throw new UsageError(`tag "${bad}": expected a letter, then letters, digits, ".", "_" or "-", and no date`);
    if (tags.length === 0 && (isRemoval || named.length > 0))
      throw new UsageError('tag: which tag? TAG is missing', { remedy: 'tag NAME, or tag @STATE NAME' });
    if (tags.length === 0) {
      const { archive } = context.session;
      if (archive === undefined) throw new VtError('EFAILED', `tag: "${context.session.tree.name}" has no recorded states`);
      for (const entry of await taggedEntries(context, archive, () => true)) tellMarks(context, '', entry.number, marksOf(entry));
      return;
    }
    const change = ({ tags: present, isProtected }: Marks): Marks => ({
      tags: isRemoval ? present.filter((word) => !tags.includes(word)) : [...new Set([...present, ...tags])],
      isProtected,
    });
    if (!isRemoval || named.length > 0) {
      await mark(context, 'tag', named, change);
      return;
    }
    const { archive, lines } = requireLines(context.session, 'tag -d');
    const having = await taggedEntries(context, archive, (word) => tags.includes(word));
    const absent = tags.find((word) => !having.some((entry) => marksOf(entry).tags.includes(word)));
    if (absent !== undefined) throw new VtError('EFAILED', `tag -d "${absent}": no state has that tag`, { remedy: 'tag lists them' });
    await markEntries(context, lines, having, change);
  },
});

/** The states that have one of the wanted tags, oldest first. */
async function taggedEntries({ signal }: CommandContext, archive: Archive, isWanted: (tag: string) => boolean): Promise<ArchiveEntry[]> {
  const found: ArchiveEntry[] = [];
  for await (const entry of archive.entries({ signal })) if (marksOf(entry).tags.some(isWanted)) found.push(entry);
  return found;
}

/** `protect`: states that forget and gc --drop leave alone. */
export const protect = defineCommand({
  name: 'protect',
  group: 'history',
  summary: 'protect recorded states from forget and gc --drop',
  changesLocal: true,
  plans: true,
  details: ['Without STATE protect takes the newest. unprotect reverses it. log marks protected states in brackets.'],
  args: [{ name: 'state', kind: 'state', summary: '@N, @DATE or @TAG', repeat: true, optional: true }],
  records: [MARKS_RECORD],
  async run(context, { args }) {
    await mark(context, 'protect', statesOnly('protect', args), ({ tags }) => ({ tags, isProtected: true }));
  },
});

/** `unprotect`: removes that protection. */
export const unprotect = defineCommand({
  name: 'unprotect',
  group: 'history',
  summary: 'end the protection of recorded states',
  changesLocal: true,
  plans: true,
  args: [{ name: 'state', kind: 'state', summary: '@N, @DATE or @TAG; default: the newest', repeat: true, optional: true }],
  records: [MARKS_RECORD],
  async run(context, { args }) {
    await mark(context, 'unprotect', statesOnly('unprotect', args), ({ tags }) => ({ tags, isProtected: false }));
  },
});

function splitStates(args: readonly Octets[]): { readonly named: readonly Octets[]; readonly rest: readonly Octets[] } {
  return { named: args.filter((word) => word.startsWith('@')), rest: args.filter((word) => !word.startsWith('@')) };
}

function statesOnly(action: string, args: readonly Octets[]): readonly Octets[] {
  const { named, rest } = splitStates(args);
  const [bad] = rest;
  if (bad !== undefined) throw new UsageError(`${action} "${octetsToText(bad)}": expected @N, @DATE or @TAG`);
  return named;
}

async function mark(context: CommandContext, action: string, words: readonly Octets[], change: (marks: Marks) => Marks): Promise<void> {
  const { session, plan, signal, now } = context;
  const { archive, lines } = requireLines(session, action);
  if (session.isChanged && words.length === 0 && !plan) await session.sync(signal);
  const entries: ArchiveEntry[] = [];
  for (const word of words) entries.push(await findEntry(archive, octetsToText(word.slice(1) as Octets), now(), { signal }));
  if (words.length === 0) {
    const newest = await archive.last({ signal });
    if (newest === undefined) throw new VtError('EFAILED', `${action}: no state is recorded yet`, { remedy: 'sync first' });
    entries.push(newest);
  }
  await markEntries(context, lines, entries, change);
}

async function markEntries(
  context: CommandContext,
  lines: ArchiveLines,
  entries: readonly ArchiveEntry[],
  change: (marks: Marks) => Marks,
): Promise<void> {
  const { plan, signal } = context;
  for (const entry of entries) {
    const { number, whenNs } = entry;
    if (!plan)
      await lines.setNotes({ number, whenNs }, (notes) => withMarks(notes, change(marksOf(notes === undefined ? {} : { notes }))), {
        signal,
      });
    tellMarks(context, plan ? 'would mark ' : '', number, change(marksOf(entry)));
  }
}

function tellMarks({ output }: CommandContext, verb: string, number: number, { tags, isProtected }: Marks): void {
  output.record({ number, tags, protected: isProtected });
  const shown = [...tags.map((word) => `@${word}`), ...(isProtected ? ['protected'] : [])];
  output.line(`${verb}@${number}: ${shown.length === 0 ? 'no tags, not protected' : shown.join(' ')}`);
}
