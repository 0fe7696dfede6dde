import { constants } from 'node:os';
import { ConnectionLostError, VtError } from '../../../core/base/errors.ts';
import { octetsFromText, octetsToText } from '../../../core/base/octets.ts';
import { systemOwnerNames } from '../../../core/base/system/owner-names.ts';
import { errorReason } from '../../../core/base/system/system-error.ts';
import { Ingest } from '../../../core/blockify/ingest/ingest.ts';
import { ingestContent } from '../../../core/blockify/ingest/ingest-content.ts';
import { IngestOnDemand } from '../../../core/blockify/ingest/ingest-on-demand.ts';
import { capability } from '../../../core/store/capability.ts';
import { requireKey } from '../../../core/store/check-blocks.ts';
import { LiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { Tree } from '../../../core/tree/tree.ts';
import { type Fields, takePath, takeText } from '../../../fuse/control/fields.ts';
import { defaultDriver } from '../../../fuse/driver.ts';
import { errnoOf } from '../../../fuse/filesystem-error.ts';
import type { MountJournalOptions } from '../../../fuse/journal/mount-journal.ts';
import { TreeServer } from '../../../fuse/serve-tree.ts';
import type { CommandContext } from '../../command.ts';
import { nameFilterOf } from '../filter-options.ts';
import { countText } from '../format.ts';
import { controlXattrs, openControl } from './mount-control.ts';
import type { MountWords } from './mount-options.ts';
import { parseMountOptions } from './mount-options.ts';
import { checkedMountPoint, makeMountPoint, removeMountPoint } from './mount-place.ts';
import { frontFolder, linkMount, unlinkMount } from './mount-records.ts';
import { rareLines } from './rare-lines.ts';
import { RecordedNews } from './recorded-news.ts';
import { StatesTree } from './states-tree.ts';

/** Serves the open tree at a mount point, and at further ones on request, until the last is unmounted. */
export async function serveMount(context: CommandContext, mountPoint: string, subpath: TreePath, words: MountWords): Promise<void> {
  const { session, output, diagnostics, signal } = context;
  requireKey(session.store, 'mount');
  const isShown = session.tree.can.write && !words.all;
  await using states = words.all ? await StatesTree.open(session, signal) : undefined;
  const tree = states?.tree ?? liveTreeOf(session.tree);
  if (tree === undefined) throw new VtError('EUNSUPPORTED', `mount "${session.tree.name}": only a tree of Blocks can be mounted`);
  const leftOut = await nameFilterOf(words.filter, session.localCwd, 'a mount does not read rules from files in directories');
  if (leftOut !== undefined && !isShown)
    throw new VtError('EUSAGE', `mount "${session.tree.name}": filters have no effect on a read-only tree`);
  if (isShown && (await capability(session.store, 'journals')?.hasLeft()) === true)
    throw new VtError('EFAILED', `mount "${mountPoint}": changes that a killed mount had synced are not recorded yet`, {
      remedy: 'see the warning at the start of this session; if the disk is full, free space',
    });
  const ingests = new IngestOnDemand(
    () => new Ingest(session.store),
    () => performance.now(),
  );
  const warnRarely = rareLines(
    (text) => diagnostics.warn(text),
    () => performance.now(),
  );
  const failRarely = rareLines(
    (text) => diagnostics.failure(new VtError('EFAILED', text)),
    () => performance.now(),
  );
  const unpin = session.pin();
  const news =
    isShown && !session.isReference
      ? new RecordedNews(session, (error) =>
          warnRarely(`mount "${mountPoint}": ${errorReason(error)}; states that others recorded are merged later`),
        )
      : undefined;
  const server = new TreeServer(tree, {
    syncSeconds: isShown ? words.syncSeconds : 0,
    frontFolder: frontFolder(context.shell.env),
    storeContent: async (content, how) => await ingests.use((ingest) => ingestContent(ingest, content, how)),
    keepsTypes: session.settings.get('mime') === 'keep',
    // A journal must not bring excluded names into the tree.
    journal: isShown && leftOut === undefined ? journalOf(session) : undefined,
    isChanged: () => isShown && session.isChanged,
    syncTree: async () => {
      if (isShown) await session.sync();
    },
    owners: systemOwnerNames(),
    onFault: (error, request) => {
      if (isAway(error)) warnRarely(`mount "${mountPoint}": ${errorReason(error)}; requests fail until it is back`);
      // A refused request, as on an append-only mount, is not a failure, though a late answer turns it into EIO.
      else (errnoOf(error) === constants.errno.EIO ? failRarely : warnRarely)(`mount "${mountPoint}": ${request}: ${errorReason(error)}`);
    },
    onTrouble: (error) => warnRarely(`mount "${mountPoint}": ${errorReason(error)}; trying again`),
    onBusy: (error) => diagnostics.warn(`${error.message}; it ends once nobody uses it`),
  });
  /** Mounts at one place; returns a promise of its end. */
  const mountAt = async (place: string, top: TreePath, how: MountWords): Promise<{ readonly gone: Promise<void> }> => {
    const isMade = makeMountPoint(place);
    try {
      const mount = await server.mount({
        driver: how.driver ?? defaultDriver(),
        mountPoint: place,
        source: `vtftp:${how.volumeName ?? tree.name}`,
        volumeName: how.volumeName,
        subpath: top,
        readOnly: how.readOnly || !isShown,
        appendOnly: how.appendOnly,
        leftOut,
        allowOther: how.allowOther,
        honours: how.honours,
        control: words.all ? undefined : controlXattrs(context, mountPoint, top, how),
        writeback: how.writeback,
      });
      const gone = mount.ended.then(() => {
        if (isMade) removeMountPoint(place);
      });
      return { gone };
    } catch (error) {
      if (isMade) removeMountPoint(place);
      throw error;
    }
  };
  const tops = new Map<string, TreePath>();
  const addMount = async (fields: Fields): Promise<Fields> => {
    const how = parseMountOptions(takeText(fields, 'options'));
    if (how.filter.length > 0)
      throw new VtError('EUSAGE', 'mount: only the first mount of a tree can set filters', {
        remedy: 'leave them out, or umount it first',
      });
    if (how.all)
      throw new VtError('EUNSUPPORTED', 'mount -o all: not for a tree that is already mounted', { remedy: 'name its Store as SOURCE' });
    const place = await checkedMountPoint(session.store, octetsFromText(takeText(fields, 'mountpoint')));
    const top = takePath(fields, 'subpath');
    const { gone } = await mountAt(place, top, how);
    tops.set(place, top);
    linkMount(context.shell.env, mountPoint, place);
    void gone.then(() => {
      tops.delete(place);
      unlinkMount(context.shell.env, place);
    });
    return { mounted: place, pid: process.pid };
  };
  const leave = (): void => server.leave();
  const control = words.all
    ? undefined
    : await openControl(context, mountPoint, {
        start: subpath,
        tops,
        addMount,
        unsaved: async (fields) => await tellUnsaved(server, fields),
        countUnsaved: () => server.unsaved().length,
      });
  try {
    const { gone } = await mountAt(mountPoint, subpath, words);
    if (signal.aborted) leave();
    else signal.addEventListener('abort', leave, { once: true });
    output.line(`mounted ${mountPoint}`);
    output.record({ mounted: mountPoint });
    news?.begin();
    await gone;
  } finally {
    await news?.end();
    try {
      const gone = await server.ended();
      if (gone > 0) {
        output.line(`${countText(gone, 'excluded name')} lost with the mount, stored nowhere`);
        output.record({ excluded_gone: gone });
      }
    } finally {
      signal.removeEventListener('abort', leave);
      await control?.[Symbol.asyncDispose]();
      await ingests.close();
      unpin();
    }
  }
}

/** The journal options of the open tree; undefined if its roots do not go to an archive of its Store. */
function journalOf({ store, archive, archiveName, isReference }: CommandContext['session']): MountJournalOptions | undefined {
  if (archive === undefined || archiveName === undefined || isReference) return undefined;
  return { archive: archiveName, journals: () => capability(store, 'journals') };
}

/** Whether the Store is unreachable at present, which is not a fault of the mount. */
function isAway(error: unknown): boolean {
  return error instanceof ConnectionLostError || (error instanceof VtError && error.code === 'EOPEN');
}

/** Paths per report. */
const MAX_TOLD = 100;

/** Stores everything before a mount ends, and reports what cannot be stored; with `discard`, gives that up. */
async function tellUnsaved(server: TreeServer, fields: Fields): Promise<Fields> {
  if (fields['discard'] === true) server.discard();
  else server.keep();
  const unsaved = await server.save();
  if (unsaved === undefined) return {};
  const { paths, error } = unsaved;
  return { unsaved: paths.slice(0, MAX_TOLD).map((path) => octetsToText(path)), count: paths.length, reason: errorReason(error) };
}

/** The live tree behind a tree, also behind a read-only past state. */
function liveTreeOf(tree: Tree & { readonly live?: LiveTree | undefined }): LiveTree | undefined {
  return tree instanceof LiveTree ? tree : tree.live;
}
