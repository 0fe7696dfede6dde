import { join } from 'node:path';
import type { Archive } from '../../../core/archive/archive.ts';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { BlockSource } from '../../../core/block/block-source.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { findingText, isFault } from '../../../core/maintain/findings.ts';
import { fsck } from '../../../core/maintain/fsck.ts';
import { scrub } from '../../../core/maintain/scrub.ts';
import { openStore } from '../../../core/openers/open-store.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { walkDirent } from '../../../core/tree/walk.ts';
import type { StoreCheck } from './store-check.ts';

/** What is wrong with a Store: roots that are not whole, Blocks that are not what they should be, Dirrefs that no archive has. */
export async function checkStore({ store, recited, scrub: alsoScrub, others = [], key, whole }: StoreCheck): Promise<string | undefined> {
  const wrong: string[] = [];
  const archived = new Set<string>();
  await using sealed =
    key === undefined ? undefined : await openStore(`sealed:${key}:${store}`, { defaultStorePath: store, cachePath: undefined });
  const openArchive = (folder: string): Archive | undefined =>
    sealed === undefined
      ? openArchiveFile(join(folder, 'archives', 'default.vt'), { readOnly: true })
      : capability(sealed, 'archives')?.open('default', { readOnly: true });
  for (const each of [store, ...others])
    for await (const { dirent } of openArchive(each)?.entries() ?? []) archived.add(formatDirent(dirent));
  for (const dirref of recited) if (!archived.has(dirref)) wrong.push(`recited and not archived: ${dirref}`);
  await using datadir = await openDatadir(store);
  await fsck(datadir, {
    onFinding(finding) {
      // A line of the archive that was cut short was never recited; what is not here may be in another Store.
      if (!isFault(finding) || finding.kind === 'archive') return;
      if (others.length > 0 && finding.kind === 'harm' && finding.fault === 'missing') return;
      wrong.push(findingText(finding));
    },
  });
  if (alsoScrub !== false) {
    await scrub(datadir, {
      onFinding(finding) {
        if (finding.kind !== 'harm' || (others.length > 0 && finding.fault === 'missing')) return;
        wrong.push(`scrub: ${findingText(finding)}`);
      },
      nowSeconds: () => 0,
      monotonicMs: () => performance.now(),
    });
  }
  if (whole !== undefined) {
    const more = await Promise.all(others.map((other) => openDatadir(other)));
    try {
      await readAll([sealed ?? datadir, ...more], whole, wrong);
    } finally {
      for (const each of more) await each[Symbol.asyncDispose]();
    }
  }
  return wrong.length === 0 ? undefined : wrong.slice(0, 5).join('; ');
}

/** Reads all of a tree from Stores that have it together. */
async function readAll(stores: readonly Store[], dirref: string, wrong: string[]): Promise<void> {
  const source: BlockSource = {
    name: stores.map(({ name }) => name).join(', '),
    async get(hashcode) {
      for (const store of stores) {
        const data = await store.get(hashcode);
        if (data !== undefined) return data;
      }
      return undefined;
    },
  };
  for await (const item of walkDirent(source, parseDirent(dirref), { damage: true })) {
    if (item.kind === 'damage') wrong.push(`${item.path}: ${item.error.message}`);
    else if (item.kind === 'node' && item.dirent.kind === 'file') {
      try {
        await readBlockBytes(source, item.dirent.block);
      } catch (error) {
        if (!(error instanceof VtError)) throw error;
        wrong.push(`${item.path}: ${error.message}`);
      }
    }
  }
}
