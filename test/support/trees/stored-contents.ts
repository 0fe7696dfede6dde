import { readBlockBytes } from '../../../core/block/read-range.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import type { Store } from '../../../core/store/store.ts';
import { walkDirent } from '../../../core/tree/walk.ts';

/** What the files and symlinks of a stored tree hold, as text. */
export async function contentsBelow(store: Store, top: Dirent): Promise<string[]> {
  const contents: string[] = [];
  for await (const item of walkDirent(store, top)) {
    if (item.kind !== 'node') continue;
    const { dirent } = item;
    if (dirent.kind === 'symlink') contents.push(dirent.target);
    if (dirent.kind === 'file') contents.push(Buffer.from(await readBlockBytes(store, dirent.block)).toString('latin1'));
  }
  return contents;
}
