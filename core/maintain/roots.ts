import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { openArchiveFile } from '../archive/archive-file.ts';
import type { Dirent } from '../dirent/dirent.ts';
import { mergedStates } from '../history/ancestry.ts';
import { KnownArchive } from '../history/known-archive.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';

/** A root whose Blocks must be kept. */
export interface NeededRoot {
  /** Where it is recorded, for messages. */
  readonly place: string;
  readonly dirent: Dirent;
  /** The states merged into it: a later merge may need them as its base. */
  readonly merged: readonly Dirent[];
  /** How to drop it, for messages. */
  readonly letGo: string;
}

/** A recorded root of a Store. */
export interface Root extends NeededRoot {
  /** The name of the archive, or its path if it is outside the Store. */
  readonly archive: string;
  /** The number of the entry, 1 for the oldest. */
  readonly number: number;
}

/** An unreadable line of an archive. */
export interface ArchiveDamage {
  readonly archive: string;
  /** The number of the line, 1 for the first. */
  readonly line: number;
  readonly reason: string;
}

/** Where to look for roots. */
export interface RootsOptions {
  readonly signal?: AbortSignal | undefined;
  /** Archive files outside the Store. */
  readonly moreArchives?: readonly string[];
  readonly onDamage?: (damage: ArchiveDamage) => void;
}

/** Every root in the archives of a Store. In each archive the newest comes first, since it matters most to users. */
export async function* archiveRoots(store: Store, options: RootsOptions = {}): AsyncGenerator<Root, void, undefined> {
  const archives = capability(store, 'archives');
  for (const name of (await archives?.list?.()) ?? []) {
    const archive = archives?.open(name, { readOnly: true });
    if (archive !== undefined) yield* rootsOf(name, archive, options);
  }
  for (const file of options.moreArchives ?? [])
    yield* rootsOf(file, KnownArchive.of(openArchiveFile(file, { readOnly: true }), store), options);
}

async function* rootsOf(name: string, archive: Archive, { signal, onDamage }: RootsOptions): AsyncGenerator<Root, void, undefined> {
  const roots: Root[] = [];
  const onLine = (line: number, reason: string): void => onDamage?.({ archive: name, line, reason });
  for await (const entry of archive.entries({ signal, onDamage: onLine })) roots.push(rootOf(name, entry));
  yield* roots.reverse();
}

function rootOf(archive: string, entry: ArchiveEntry): Root {
  const { number, dirent } = entry;
  const letGo = archive.includes('/') ? 'remove its line' : `gc --drop ${archive}@${number}`;
  return { place: `root ${archive}@${number}`, archive, number, dirent, merged: mergedStates(entry).map((state) => state.dirent), letGo };
}
