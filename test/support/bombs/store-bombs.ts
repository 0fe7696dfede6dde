import { join } from 'node:path';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Store } from '../../../core/store/store.ts';
import { MapSource } from '../stores/map-source.ts';
import type { Bomb } from './bomb.ts';

/** Puts what was made into a Store. */
async function addAll(store: Store, { blocks }: MapSource): Promise<void> {
  for (const [digest, data] of blocks) await store.addBatch([{ digest: Buffer.from(digest, 'hex'), data }]);
  blocks.clear();
}

/**
 * Makes a Store whose tree has bombs in it, each by the name `bomb`, and something ordinary beside it: `good`.
 *
 * @param path - where nothing is yet
 */
export async function storeBomb(path: string, bomb: Bomb): Promise<void> {
  await using store = await openDatadir(path, { create: true });
  const made = new MapSource(store.hashName);
  const dirent = { ...bomb.make(made), name: octetsFromText('bomb') } as Dirent;
  await addAll(store, made);
  const good: Dirent = {
    kind: 'file',
    name: octetsFromText('good'),
    meta: { mode: 0o644 },
    block: { kind: 'literal', span: 5, data: Buffer.from('good\n') },
  };
  const root: Dirent = { kind: 'dir', name: octetsFromText(''), meta: { mode: 0o755 }, block: storeDir(made, [dirent, good]) };
  await addAll(store, made);
  await store.flush();
  await openArchiveFile(join(path, 'archives', 'default.vt')).append(
    async () => await Promise.resolve({ whenNs: 1_700_000_000_000_000_000n, dirent: root }),
  );
}
