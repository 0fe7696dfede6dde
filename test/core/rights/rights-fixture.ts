import { createHash } from 'node:crypto';
import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Octets } from '../../../core/base/octets.ts';
import { PendingBlocks } from '../../../core/block/block-sink.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeOf } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { storeDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import type { Store } from '../../../core/store/store.ts';

/** What a test's Store has: contents by where they lie. */
export const CONTENTS = {
  /** In the archive `family`, at /photos/sea.jpg. */
  photo: content('photo'),
  /** In the archive `family`, at /letters/plan.txt. */
  letter: content('letter'),
  /** In the archive `anna`. */
  anna: content('anna'),
  /** In no archive. */
  loose: content('loose'),
} as const;

export type ContentName = keyof typeof CONTENTS;

/** Octets that are too many to stand in a reference. */
export function content(seed: string): Buffer {
  return Buffer.concat(Array.from({ length: 20 }, (_, i) => createHash('sha256').update(`${seed} ${i}`).digest()));
}

export function codeOf(name: ContentName): HashCode {
  return hashcodeOf('sha3-256', CONTENTS[name]);
}

export const SECRETS = {
  owner: 'the-secret-of-the-owner',
  reader: 'the-secret-of-the-reader',
  adder: 'the-secret-of-the-adder',
  anna: 'the-secret-of-anna-herself',
  friend: 'the-secret-of-a-friend',
} as const;

export type Holder = keyof typeof SECRETS;

const LINES: Readonly<Record<Holder, string>> = {
  owner: 'all',
  reader: 'read',
  adder: 'add',
  anna: 'add=anna',
  friend: 'read=family/photos',
};

/** The lines of a rights file, but for some. */
export function rightsText(without: readonly Holder[] = []): string {
  return (Object.keys(LINES) as Holder[])
    .filter((name) => !without.includes(name))
    .map((name) => `${name} ${SECRETS[name]} ${LINES[name]}\n`)
    .join('');
}

/** Writes a rights file into a folder. */
export function writeRights(folder: string, text = rightsText()): string {
  const file = join(folder, 'rights');
  writeFileSync(file, text, { mode: 0o600 });
  chmodSync(file, 0o600);
  return file;
}

export function fileOf(name: string, block: Extract<Dirent, { kind: 'file' }>['block']): Dirent {
  return { kind: 'file', name: name as Octets, meta: {}, block };
}

/** Stores a Dir. Its entries are given in the order of their names. */
export async function storedDir(store: Store, entries: readonly Dirent[], name = ''): Promise<DirDirent> {
  const pending = new PendingBlocks(store.hashName);
  // It has a Block of its own, however few its entries are.
  const long: Dirent = { kind: 'symlink', name: 'zz' as Octets, meta: {}, target: name.padEnd(300, '.') as Octets };
  const block = storeDir(pending, [...entries, long]);
  await pending.flushTo(store);
  return { kind: 'dir', name: name as Octets, meta: {}, block };
}

/** A Store in a folder, with {@link CONTENTS}. */
export async function filledStore(folder: string): Promise<Store> {
  const store = await openDatadir(join(folder, 'store'), { create: true });
  for (const data of Object.values(CONTENTS)) await store.add(data);
  const leaf = (name: ContentName) => ({ kind: 'hash', span: CONTENTS[name].length, hashcode: codeOf(name) }) as const;
  const photos = await storedDir(store, [fileOf('sea.jpg', leaf('photo'))], 'photos');
  const letters = await storedDir(store, [fileOf('plan.txt', leaf('letter'))], 'letters');
  await record(store, 'family', await storedDir(store, [letters, photos]), 1);
  await record(store, 'anna', await storedDir(store, [fileOf('anna.txt', leaf('anna'))]), 1);
  return store;
}

/** Records a root. */
export async function record(store: Store, archive: string, dirent: DirDirent, second: number): Promise<void> {
  await store.flush();
  await archiveOf(store, archive)?.append(async () => await Promise.resolve({ whenNs: BigInt(second) * 1_000_000_000n, dirent }));
}
