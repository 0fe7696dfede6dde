import { existsSync } from 'node:fs';
import { isAbsolute } from 'node:path';
import { authorOf } from '../../core/archive/author-notes.ts';
import { newestFirst } from '../../core/archive/newest-first.ts';
import { formatLocalMinute } from '../../core/base/date.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../../core/base/octets.ts';
import { capability } from '../../core/store/capability.ts';
import type { CommandContext } from '../command.ts';
import type { Choice } from '../screen.ts';
import { countText } from './format.ts';

/** States to offer, the newest first. */
const MAX_STATES = 200;

interface Row extends Choice {
  readonly source: Octets;
  /** Whether it has recorded states to choose from. */
  readonly isArchive?: boolean;
}

/**
 * Asks what to open: an archive of this Store, a bookmark, another Store, a peer or a mount; for an archive also which state.
 *
 * @returns the argument of `open` and the state to show; undefined if nothing was chosen
 */
export async function pickSource(
  context: CommandContext,
): Promise<{ readonly source: Octets; readonly view?: string | undefined } | undefined> {
  const { shell } = context;
  const rows = await sources(context);
  const chosen = await shell.choose('Open what?', rows);
  const row = chosen === undefined ? undefined : rows[chosen];
  if (row?.isArchive !== true) return row;
  const states = await statesOf(context, row.name);
  if (states.length < 2) return row;
  const at = await shell.choose('Which state?', states);
  if (at === undefined) return undefined;
  return { source: row.source, ...(at === 0 ? {} : { view: states[at]?.name }) };
}

async function sources({ session, shell, signal }: CommandContext): Promise<Row[]> {
  const rows: Row[] = [];
  const words = session.reopenWords(undefined);
  const isByStore = words.length === 0 || words.length === 2;
  const offered = capability(session.store, 'archives');
  for (const name of (await offered?.list?.({ signal })) ?? []) {
    const archive = offered?.open(name, { readOnly: true });
    const last = await archive?.last({ signal });
    const hint = last === undefined ? 'no state' : `${countText(last.number, 'state')}, the last of ${formatLocalMinute(last.whenNs)}`;
    // If the session was not opened by its Store, the path of the archive file leads to both.
    const sourceOf = (file = ''): Octets =>
      !isByStore && isAbsolute(file) && existsSync(file)
        ? octetsFromText(file)
        : (`${session.addressOf(undefined)}@${octetsFromText(name)}` as Octets);
    rows.push({ name, hint: `archive: ${hint}`, source: sourceOf(archive?.name), isArchive: true });
  }
  for (const { name, source, path } of session.bookmarks)
    rows.push({ name, hint: `bookmark: ${octetsToText(source)} ${octetsToText(path)}`, source: octetsFromText(name) });
  rows.push({ name: 'the default Store', hint: 'its default archive', source: octetsFromText('default') });
  for (const { name, value } of shell.origins())
    if (name === 'clause' && value !== undefined)
      rows.push({ name: value, hint: 'a Store of the configuration', source: octetsFromText(value) });
  for (const { name, specification } of session.peers.list())
    rows.push({ name, hint: `peer: ${specification}`, source: octetsFromText(specification) });
  const { mountedPlaces } = await import('../../fuse/mount-table.ts');
  for (const { mountPoint } of mountedPlaces()) rows.push({ name: octetsToText(mountPoint), hint: 'a mount', source: mountPoint });
  return rows;
}

/** The states of an archive of the Store, the newest first. */
async function statesOf({ session, signal }: CommandContext, name: string): Promise<Choice[]> {
  const archive = capability(session.store, 'archives')?.open(name, { readOnly: true });
  const states: Choice[] = [];
  if (archive === undefined) return states;
  for await (const { number, whenNs, notes } of newestFirst(archive, { signal })) {
    const { message, command } = authorOf(notes);
    const isNewest = states.length === 0;
    states.push({
      name: `@${number}`,
      hint: `${formatLocalMinute(whenNs)}  ${isNewest ? 'the newest, writable' : (message ?? command ?? '')}`,
    });
    if (states.length >= MAX_STATES) break;
  }
  return states;
}
