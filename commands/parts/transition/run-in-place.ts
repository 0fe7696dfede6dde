import { VtError } from '../../../core/base/errors.ts';
import type { HashName } from '../../../core/block/hash.ts';
import { datadirOf } from '../../../core/maintain/datadir-of.ts';
import { viewOf } from '../../../core/maintain/store-view.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { beginInPlace } from '../../../core/transition/in-place.ts';
import { transcribeArchive } from '../../../core/transition/transcribe-archive.ts';
import { Transcriber } from '../../../core/transition/transcriber.ts';
import type { CommandContext } from '../../command.ts';
import { countText } from '../format.ts';
import { maintain } from '../maintenance.ts';
import { archiveNames, reportCounts } from './run-transition.ts';
import { verifyArchive } from './verify-transition.ts';

/**
 * Converts the Store of the session to another hash function in place, and reopens it.
 *
 * @param verify - compare all states before the switch
 * @throws {VtError} EFAILED if the tree is in use, has an archive outside, or no state is recorded; EUNSUPPORTED for a Store that is not
 *   a plain datadir
 */
export async function runInPlace(context: CommandContext, hashName: HashName, verify: boolean): Promise<void> {
  const { session, diagnostics, output, signal } = context;
  if (session.isPinned)
    throw new VtError('EFAILED', 'transition: the tree of this session is mounted, or files are followed into it', {
      remedy: 'umount it, or end follow and watch first',
    });
  if (session.archive !== undefined && session.archiveName === undefined)
    throw new VtError('EFAILED', `transition: the archive "${session.archive.name}" is outside the Store`, {
      remedy: 'open the Store itself, or name another STORE to copy to',
    });
  const { below } = viewOf(session.store);
  if (datadirOf(below) === undefined && capability(below, 'making')?.isMade !== false)
    throw new VtError('EUNSUPPORTED', `transition: "${session.store.name}" is not a datadir, and cannot change in place`, {
      remedy: 'name another STORE to copy to',
    });
  await maintain(context, 'transition', true, async (datadir) => {
    if (datadir.hashName !== session.store.hashName)
      throw new VtError('EUNSUPPORTED', `transition: "${datadir.name}" holds a sealed Store, which cannot change in place`, {
        remedy: 'name another STORE to copy to',
      });
    const names = await archiveNames(context);
    if (names.length === 0)
      throw new VtError('EFAILED', 'transition: no state is recorded in this Store', {
        remedy: 'name another STORE, and the Dirref of the tree to copy',
      });
    const startMs = performance.now();
    await using work = await beginInPlace(datadir, hashName, { signal });
    let label = 'transition';
    await using transcriber = new Transcriber(datadir, work.made, work.map, {
      signal,
      isInPlace: true,
      onProgress: ({ blocks, bytes }) => diagnostics.progress({ label, doneBytes: bytes, doneItems: blocks }),
    });
    label = 'transition: hashing all Blocks';
    await work.sweep({ signal, onSwept: (blocks, bytes) => transcriber.noteDone(blocks, bytes) });
    const transcribe = async (name: string, from: Store): Promise<number> => {
      const [archive, to] = archivesOf(from, work.made, name);
      const onState = (number: number, states: number): void => {
        label = `transition ${name}, state ${number} of ${states}`;
      };
      return (await transcribeArchive(from, archive, to, transcriber, { signal, onState })).states;
    };
    for (const name of names) {
      const states = await transcribe(name, datadir);
      output.line(`transition ${name}: ${countText(states, 'state')}`);
      output.record({ archive: name, states });
      if (!verify) continue;
      const [from, to] = archivesOf(datadir, work.made, name);
      await verifyArchive(context, { name, from, to, target: work.made, isInPlace: true });
    }
    work.announce();
    // Include the states that others recorded until now.
    for (const name of await archiveNames(context)) await transcribe(name, datadir);
    await transcriber.save();
    await work.makeIndex({ signal });
    await session.whileClosed(() => work.end(), signal);
    reportCounts(context, session.store, transcriber, startMs);
    output.line(`transition: the hash function is ${session.store.hashName} from now on; old references still open`);
  });
}

function archivesOf(
  from: Store,
  made: Store,
  name: string,
): readonly [NonNullable<ReturnType<typeof archiveOf>>, NonNullable<ReturnType<typeof archiveOf>>] {
  const [archive, to] = [archiveOf(from, name), archiveOf(made, name)];
  if (archive === undefined || to === undefined) throw new VtError('EFAILED', `transition "${name}": the Store has no archives`);
  return [archive, to];
}
