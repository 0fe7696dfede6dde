import type { Archive } from '../../../core/archive/archive.ts';
import { isForgotten, linesOf } from '../../../core/archive/lines-up-to.ts';
import { VtError } from '../../../core/base/errors.ts';
import { groupedDigits } from '../../../core/base/grouped-digits.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Store } from '../../../core/store/store.ts';
import { NameCheck } from '../../../core/transition/verify-names.ts';
import type { CommandContext } from '../../command.ts';
import { countText, sizeText } from '../format.ts';

/** Faults to print; further ones are only counted. */
const MAX_SHOWN = 100;

/** Compares every state of an archive with its converted form; states are matched by their dates. */
export async function verifyArchive(
  context: CommandContext,
  {
    name,
    from,
    to,
    target,
    isInPlace,
  }: { readonly name: string; readonly from: Archive; readonly to: Archive; readonly target: Store; readonly isInPlace: boolean },
): Promise<void> {
  const { signal } = context;
  const states = async (archive: Archive): Promise<{ whenNs: bigint; dirent: Dirent }[]> =>
    (await linesOf(archive, { signal })).filter((line) => !isForgotten(line));
  const [before, after] = [await states(from), await states(to)];
  const pairs: [Dirent, Dirent][] = [];
  let next = 0;
  for (const { whenNs, dirent } of before) {
    const index = after.findIndex((state, i) => i >= next && state.whenNs === whenNs);
    const state = after[index];
    // A state that the other Store dropped is skipped.
    if (state === undefined) continue;
    next = index + 1;
    pairs.push([dirent, state.dirent]);
  }
  await verifyDirents(context, target, pairs, { what: ` ${name}`, isInPlace });
}

/** Compares Dirents with their converted forms. @throws {VtError} ECORRUPT if one differs */
export async function verifyDirents(
  { session, output, diagnostics, signal }: CommandContext,
  target: Store,
  pairs: readonly (readonly [Dirent, Dirent])[],
  { what = '', isInPlace = false }: { readonly what?: string; readonly isInPlace?: boolean } = {},
): Promise<void> {
  await using check = new NameCheck(session.store, target, {
    signal,
    isInPlace,
    onProgress: (blocks, bytes) => diagnostics.progress({ label: `verify${what}`, doneBytes: bytes, doneItems: blocks }),
  });
  for (const [before, after] of pairs) await check.dirent(before, after);
  const { faults, blocks, bytes } = check;
  output.record({ verified: pairs.length, blocks, bytes, faults: faults.length });
  for (const { path, error } of faults.slice(0, MAX_SHOWN)) diagnostics.warn(`verify${what}: ${output.name(path)}: ${error.message}`);
  if (faults.length > 0)
    throw new VtError('ECORRUPT', `transition${what}: ${groupedDigits(faults.length)} differences found`, {
      remedy: isInPlace
        ? 'nothing was changed; scrub lists damage'
        : 'run scrub to learn which Store is damaged; remove the new one, and try again',
    });
  output.line(`verified${what}: ${countText(pairs.length, 'state')}, ${countText(blocks, 'Block')} (${sizeText(bytes)}): all the same`);
}
