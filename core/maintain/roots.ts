import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ArchiveEntry } from '../archive/archive.ts';
import { openArchiveFile } from '../archive/archive-file.ts';
import { PRIVATE_ACCESS } from '../base/system/store-files.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { mergedStates } from '../history/ancestry.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** A root that somebody needs whole. */
export interface NeededRoot {
  /** For messages: where it is named. */
  readonly place: string;
  readonly dirent: Dirent;
  /** What was merged into it: a later merge may compare with it. */
  readonly merged: readonly Dirent[];
  /** What to do to let go of it. */
  readonly letGo: string;
}

/** A recorded root of a Store. */
export interface Root extends NeededRoot {
  /** The archive's name, or its path where it lies elsewhere. */
  readonly archive: string;
  /** Of the entry: 1 for the oldest. */
  readonly number: number;
}

/** A line of an archive that cannot be read. */
export interface ArchiveDamage {
  readonly archive: string;
  /** 1 for the first. */
  readonly line: number;
  readonly reason: string;
}

/** Where roots are looked for. */
export interface RootsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Archive files that lie elsewhere. */
  readonly moreArchives?: readonly string[];
  readonly onDamage?: (damage: ArchiveDamage) => void;
}

/** The files of a datadir's archives, by name. */
export function archiveFiles(storeFolder: string): string[] {
  const folder = join(storeFolder, 'archives');
  try {
    const names = readdirSync(folder).filter((name) => name.endsWith('.vt') && !name.startsWith('.'));
    return names.sort().map((name) => join(folder, name));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Every root that the archives of a Store hold, whatever it is: of each archive the newest first. */
export async function* archiveRoots(store: Store, { signal, onDamage }: RootsOptions = {}): AsyncGenerator<Root, void, undefined> {
  const archives = capability(store, 'archives');
  for (const archive of (await archives?.list?.()) ?? []) {
    const roots: Root[] = [];
    const onLine = (line: number, reason: string): void => onDamage?.({ archive, line, reason });
    for await (const entry of archives?.open(archive, { readOnly: true }).entries({ signal, onDamage: onLine }) ?? [])
      roots.push(rootOf(archive, entry));
    yield* roots.reverse();
  }
}

function rootOf(archive: string, entry: ArchiveEntry): Root {
  const { number, dirent } = entry;
  const letGo = archive.includes('/') ? 'remove its line' : `gc --drop ${archive}@${number}`;
  return { place: `root ${archive}@${number}`, archive, number, dirent, merged: mergedStates(entry).map((state) => state.dirent), letGo };
}

/** Every root that the archives of a datadir hold: of each archive the newest first, as that is what people want to know of. */
export async function* storeRoots(storeFolder: string, options: RootsOptions = {}): AsyncGenerator<Root, void, undefined> {
  const own = archiveFiles(storeFolder);
  for (const file of [...own, ...(options.moreArchives ?? [])]) {
    const archive = own.includes(file) ? basename(file, '.vt') : file;
    const roots: Root[] = [];
    const entries = openArchiveFile(file, { readOnly: true, ...(own.includes(file) ? { access: PRIVATE_ACCESS } : {}) }).entries({
      signal: options.signal,
      onDamage: (line, reason) => options.onDamage?.({ archive, line, reason }),
    });
    for await (const entry of entries) roots.push(rootOf(archive, entry));
    yield* roots.reverse();
  }
}
