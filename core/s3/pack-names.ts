/** The kind of Blocks in a pack: leaves of contents (`d`), or superblocks and Dirs (`m`), which are read often. */
export type PackKind = 'd' | 'm';

/** Both kinds. */
export const PACK_KINDS: readonly PackKind[] = ['d', 'm'];

/** The name of a pack: its kind and the 32 hex digits of its file id, `d-0123…`. */
export type PackName = string;

/** Makes the name of a pack. @param fileId - a UUID */
export function packName(kind: PackKind, fileId: string): PackName {
  return `${kind}-${fileId.replaceAll('-', '')}`;
}

/** The kind of a pack, from its name. */
export function kindOfPack(name: PackName): PackKind {
  return name.startsWith('m') ? 'm' : 'd';
}

/** The key of a pack's object. */
export function packKey(name: PackName): string {
  return `packs/${name.slice(0, 1)}/${name.slice(2, 4)}/${name.slice(2)}.vtd`;
}

/** The name of a pack, from the key of its object; undefined if it is no pack's key. */
export function packOfKey(key: string): PackName | undefined {
  const [, kind, start = '', id] = /^packs\/([dm])\/([0-9a-f]{2})\/([0-9a-f]{32})\.vtd$/.exec(key) ?? [];
  return kind !== undefined && id?.startsWith(start) === true ? `${kind}-${id}` : undefined;
}
