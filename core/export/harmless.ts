import type { Dirent } from '../dirent/dirent.ts';
import type { Meta } from '../dirent/meta.ts';

// Removes from nodes whatever could grant rights on this machine.

const SET_ID = 0o6000;

/** Whether a node itself grants rights: a device. */
export function givesRights({ kind }: Pick<Dirent, 'kind'>): boolean {
  return kind === 'char' || kind === 'block';
}

/**
 * A copy of a node without setuid, setgid, owners, capabilities and ACLs. Of its extended attributes only those of `user.` remain, which
 * the system does not interpret.
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
