/** What a pack holds: leaves of contents (`d`), or what lists others and Dirs (`m`), which is read again and again. */
export type PackKind = 'd' | 'm';

/** Both kinds. */
export const PACK_KINDS: readonly PackKind[] = ['d', 'm'];

/** A pack by its kind and the 32 hex digits of its file id: `d-0123…`. */
export type PackName = string;

/** The name of a pack. @param fileId - a uuid */
export function packName(kind: PackKind, fileId: string): PackName {
  return `${kind}-${fileId.replaceAll('-', '')}`;
}

/** What a pack of that name holds. */
export function kindOfPack(name: PackName): PackKind {
  return name.startsWith('m') ? 'm' : 'd';
}

/** The key of its object. */
export function packKey(name: PackName): string {
  return `packs/${name.slice(0, 1)}/${name.slice(2, 4)}/${name.slice(2)}.vtd`;
}

/** The name of the pack whose object has a key; undefined for no key of a pack. */
export function packOfKey(key: string): PackName | undefined {
  const [, kind, start = '', id] = /^packs\/([dm])\/([0-9a-f]{2})\/([0-9a-f]{32})\.vtd$/.exec(key) ?? [];
  return kind !== undefined && id?.startsWith(start) === true ? `${kind}-${id}` : undefined;
}
