import type { Dirent } from 'node:fs';
import { readdirSync } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';
import { resolveLocalPath } from '../../commands/parts/local-path.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToBytes } from '../../core/base/octets.ts';
import type { GlobSide } from './glob.ts';

/** Local files for globs and completion. @param cwd - absolute */
export function localGlobSide(cwd: Octets): GlobSide {
  return {
    async *list(path) {
      const folder = resolveLocalPath(cwd, path);
      for (const entry of entriesOf(folder)) {
        const name = entry.name as Octets;
        const isDir = entry.isDirectory() || (entry.isSymbolicLink() && (await leadsToDir(`${folder}/${name}` as Octets)));
        yield { name, isDir };
      }
    },
    async exists(path) {
      return await lstat(octetsToBytes(resolveLocalPath(cwd, path))).then(
        () => true,
        () => false,
      );
    },
  };
}

/** Names with one character per byte. Synchronous: 100 times as fast as opendir, 80 ms for 100,000 entries. */
function entriesOf(folder: Octets): Dirent[] {
  try {
    return readdirSync(octetsToBytes(folder), { withFileTypes: true, encoding: 'latin1' });
  } catch {
    return [];
  }
}

async function leadsToDir(path: Octets): Promise<boolean> {
  return await stat(octetsToBytes(path)).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
