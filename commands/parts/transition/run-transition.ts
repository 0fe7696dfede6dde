import { isForgotten, linesOf } from '../../../core/archive/lines-up-to.ts';
import { VtError } from '../../../core/base/errors.ts';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import { ItemError } from '../../../core/base/item-error.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsToText } from '../../../core/base/octets.ts';
import { formatBlock } from '../../../core/block/block-text.ts';
import { DigestTable } from '../../../core/block/digest-table.ts';
import type { HashName } from '../../../core/block/hash.ts';
import { hashByName } from '../../../core/block/hash.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { parseTypedReference } from '../../../core/dirent/reference.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { NeededBlocks } from '../../../core/sync/needed-blocks.ts';
import { openMap } from '../../../core/transition/open-transition.ts';
import { transcribeArchive } from '../../../core/transition/transcribe-archive.ts';
import { Transcriber } from '../../../core/transition/transcriber.ts';
import { ROOT_PATH } from '../../../core/tree/path.ts';
import { direntOfReference } from '../../../core/tree/reference-dirent.ts';
import type { CommandContext } from '../../command.ts';
import { countText, sizeText } from '../format.ts';
import { verifyArchive, verifyDirents } from './verify-transition.ts';

/** A request to copy into another hash function. */
export interface TransitionRequest {
  readonly hashName: HashName;
  /** The specification of the other Store. */
  readonly store: string;
  readonly references: readonly Octets[];
  readonly verify: boolean;
}

/** Copies archives, or references, into the Store with the other hash function. */
export async function runTransition(context: CommandContext, request: TransitionRequest): Promise<void> {
  const { session, diagnostics, signal, shell } = context;
  const making = { hashName: request.hashName, edges: session.store.edges };
  const target = await shell.openStore(request.store, { signal, mayMake: true, making });
  try {
    if (target.hashName !== request.hashName)
      throw new VtError('EFAILED', `transition: the hash function of "${target.name}" is ${target.hashName}, not ${request.hashName}`, {
        remedy: 'name another Store',
      });
    const { map, keptIn } = await openMap(session.store, target, { signal });
    await using _map = map;
    if (keptIn === undefined)
      diagnostics.warn(
        'transition: neither Store is a datadir that can be written to, so no map of names is kept: old references will not open',
      );
    if (JSON.stringify(target.edges) !== JSON.stringify(session.store.edges))
      diagnostics.warn(`transition: "${target.name}" has other edge settings: data put there later is stored a second time`);
    const startMs = performance.now();
    let label = 'transition';
    await using transcriber = new Transcriber(session.store, target, map, {
      signal,
      onProgress: ({ blocks, bytes }) => diagnostics.progress({ label, doneBytes: bytes, doneItems: blocks }),
    });
    const setLabel = (text: string): void => {
      label = text;
    };
    if (request.references.length > 0) await copyReferences(context, target, transcriber, request);
    else await copyArchives(context, target, transcriber, request, setLabel);
    reportCounts(context, target, transcriber, startMs);
  } finally {
    await target[Symbol.asyncDispose]();
  }
}

/** Reports what was done since `startMs`, a time of the monotonic clock in milliseconds. */
export function reportCounts({ output }: CommandContext, { name, hashName }: Store, transcriber: Transcriber, startMs: number): void {
  const { blocks, bytes, dirs } = transcriber.counts;
  const seconds = (performance.now() - startMs) / 1000;
  output.line(
    `transition: ${countText(blocks, 'Block')} of contents read (${sizeText(bytes)}), ${countText(dirs, 'Dir')} rewritten; ${seconds.toFixed(2)} s, ${sizeText(bytes / Math.max(seconds, 0.001))}/s`,
  );
  output.record({ transition: name, hash: hashName, blocks, bytes, dirs, seconds: Number(seconds.toFixed(3)) });
}

async function copyArchives(
  context: CommandContext,
  target: Store,
  transcriber: Transcriber,
  { verify }: TransitionRequest,
  setLabel: (label: string) => void,
): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const names = await archiveNames(context);
  if (names.length === 0)
    throw new VtError('EFAILED', 'transition: no state is recorded in this Store', { remedy: 'name the Dirref of the tree to copy' });
  for (const name of names) {
    try {
      const [from, to] = [archiveOf(session.store, name), archiveOf(target, name)];
      if (from === undefined || to === undefined)
        throw new VtError('EFAILED', `transition "${name}": Store "${target.name}" has no archives`, {
          remedy: 'name the Dirref of the tree to copy',
        });
      const onState = (number: number, states: number): void => setLabel(`transition ${name}, state ${number} of ${states}`);
      const { states, recorded } = await transcribeArchive(session.store, from, to, transcriber, { signal, onState });
      output.line(`transition ${name}: ${countText(states, 'state')}, ${groupedDigits(recorded)} of them new`);
      output.record({ archive: name, states, new_states: recorded });
      if (verify) await verifyArchive(context, { name, from, to, target, isInPlace: false });
    } catch (error) {
      // The other archives continue.
      if (names.length === 1 || signal.aborted || !(error instanceof VtError)) throw error;
      diagnostics.failure(error);
    }
  }
}

async function copyReferences(
  context: CommandContext,
  target: Store,
  transcriber: Transcriber,
  { references, verify }: TransitionRequest,
): Promise<void> {
  const { session, output, signal } = context;
  const pairs: [Dirent, Dirent][] = [];
  for (const reference of references) {
    const parsed = parseTypedReference(octetsToText(reference));
    const before = await direntOfReference(session.store, parsed, { signal });
    const after = await transcriber.dirent(before);
    await transcriber.save();
    const text = parsed.kind === 'block' && 'block' in after ? formatBlock(after.block) : formatDirent(after);
    output.line(text);
    output.record({ before: octetsToText(reference), after: text });
    pairs.push([before, after]);
  }
  if (verify) await verifyDirents(context, target, pairs);
}

/** The names of the archives to convert. */
export async function archiveNames({ session }: CommandContext): Promise<readonly string[]> {
  const names = await capability(session.store, 'archives')?.list?.();
  return names ?? (session.archiveName === undefined ? [] : [session.archiveName]);
}

/** Reports how much there is to copy, under `-n`. */
export async function planTransition(context: CommandContext, references: readonly Octets[]): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  const { store } = session;
  const hash = hashByName(store.hashName);
  let [blocks, bytes] = [0, 0];
  const needed = new NeededBlocks(store, hash, {
    told: new DigestTable(hash.digestSize),
    leaf: (_, span) => {
      blocks++;
      bytes += Math.max(0, span);
    },
    signal,
  });
  const add = async (dirent: Dirent): Promise<void> => {
    await needed.dirent(dirent, ROOT_PATH);
    diagnostics.progress({ label: 'transition', doneBytes: bytes, doneItems: blocks });
  };
  for (const reference of references) await add(await direntOfReference(store, parseTypedReference(octetsToText(reference)), { signal }));
  const names = references.length > 0 ? [] : await archiveNames(context);
  for (const name of names) {
    const archive = archiveOf(store, name);
    const states = archive === undefined ? [] : (await linesOf(archive, { signal })).filter((line) => !isForgotten(line));
    for (const { dirent } of states) await add(dirent);
    output.line(`transition ${name}: ${countText(states.length, 'state')}`);
    output.record({ plan: true, archive: name, states: states.length });
  }
  output.line(
    `transition: ${countText(blocks, 'Block')} of contents to be read (${sizeText(bytes)}), ${countText(needed.dirs.length, 'Dir')} to be rewritten`,
  );
  output.record({ plan: true, blocks, bytes, dirs: needed.dirs.length, faults: needed.faults.length });
  for (const { path, error } of needed.faults) diagnostics.failure(new ItemError('transition', path, error));
}
