import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { walkDirent } from '../../../core/tree/walk.ts';

/** The content of each file below a name in the newest recorded root of a Store, by path; undefined where there is no root, or no such name. */
export async function storedFiles(store: string, name: string): Promise<Map<string, Buffer> | undefined> {
  const last = await openArchiveFile(join(store, 'archives', 'default.vt'), { readOnly: true }).last();
  if (last === undefined) return undefined;
  await using datadir = await openDatadir(store, { readOnly: true });
  const files = new Map<string, Buffer>();
  let isThere = false;
  for await (const { kind, path, ...item } of walkDirent(datadir, last.dirent)) {
    if (path !== `/${name}` && !path.startsWith(`/${name}/`)) continue;
    isThere = true;
    if (kind !== 'node' || !('dirent' in item) || item.dirent.kind !== 'file') continue;
    files.set(path.slice(name.length + 2), Buffer.from(await readBlockBytes(datadir, item.dirent.block)));
  }
  return isThere ? files : undefined;
}

/** The content of each file below a local directory, by path. */
export function localFiles(folder: string): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isFile()) files.set(path.slice(folder.length + 1), readFileSync(path));
  }
  return files;
}

/** How two sets of files differ, or undefined. */
export function differenceOf(stored: ReadonlyMap<string, Buffer> | undefined, local: ReadonlyMap<string, Buffer>): string | undefined {
  if (stored === undefined) return 'nothing is stored';
  for (const [path, content] of local) {
    const found = stored.get(path);
    if (found === undefined) return `"${path}" is not stored`;
    if (!found.equals(content)) return `"${path}" is stored with ${found.length} octets, and other ones than its ${content.length}`;
  }
  for (const path of stored.keys()) if (!local.has(path)) return `"${path}" is stored, and is not there`;
  return undefined;
}
