import type { Dirent } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';

// What of a node could give its maker, or others, rights on this machine.

const SET_ID = 0o6000;

/** Whether a node is left out where nothing is to give rights: a device. */
export function givesRights({ kind }: Pick<Dirent, 'kind'>): boolean {
  return kind === 'char' || kind === 'block';
}

/**
 * A node without what gives rights: setuid and setgid, owners, capabilities and ACLs. Of its extended attributes those of the user stay,
 * which only programs of the user's own read.
 */
export function harmless<T extends { readonly meta: Meta }>(dirent: T): T {
  const { mode, mtimeNs, xattrs } = dirent.meta;
  const kept = [...(xattrs ?? [])].filter(([name]) => name.startsWith('user.'));
  const meta: Meta = {
    ...(mode === undefined ? {} : { mode: mode & ~SET_ID }),
    ...(mtimeNs === undefined ? {} : { mtimeNs }),
    ...(kept.length === 0 ? {} : { xattrs: new Map(kept) }),
  };
  return { ...dirent, meta };
}
