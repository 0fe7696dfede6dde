import type { OpOptions } from '../base/op-options.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { formatDirent } from '../dirent/dirent-text.ts';
import type { Archive } from './archive.ts';

/** Whether any entry of an archive has this root. */
export async function hasRoot(archive: Pick<Archive, 'last' | 'entries'>, root: Dirent, options: OpOptions = {}): Promise<boolean> {
  const text = formatDirent(root);
  const last = await archive.last(options);
  if (last === undefined) return false;
  if (formatDirent(last.dirent) === text) return true;
  for await (const { dirent } of archive.entries(options)) if (formatDirent(dirent) === text) return true;
  return false;
}
