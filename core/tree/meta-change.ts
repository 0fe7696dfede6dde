import type { Octets } from '../base/octets.ts';
import { compareOctets } from '../base/octets.ts';
import type { Meta } from '../dirent/meta.ts';
import type { MetaChange } from './tree.ts';

/** Meta with a change applied: fields set to null are dropped, those not named stay. */
export function applyMetaChange(meta: Meta, change: MetaChange): Meta {
  const fields = new Map<string, unknown>(Object.entries(meta));
  for (const [key, value] of Object.entries(change)) {
    if (value === null) fields.delete(key);
    else if (value !== undefined) fields.set(key, value);
  }
  const xattrs = fields.get('xattrs') as ReadonlyMap<Octets, Uint8Array> | undefined;
  if (xattrs !== undefined) {
    if (xattrs.size === 0) fields.delete('xattrs');
    else fields.set('xattrs', new Map([...xattrs].sort((a, b) => compareOctets(a[0], b[0]))));
  }
  return Object.fromEntries(fields) as Meta;
}

/** Meta of a node whose content changed: the times it records are now, and no others. */
export function contentChanged(meta: Meta, nowNs: bigint): Meta {
  if (meta.mtimeNs === undefined && meta.ctimeNs === undefined) return meta;
  return { ...meta, ...(meta.mtimeNs === undefined ? {} : { mtimeNs: nowNs }), ...(meta.ctimeNs === undefined ? {} : { ctimeNs: nowNs }) };
}

/** Meta of a node whose metadata or names changed: the ctime, where it is recorded, is now. */
export function nodeChanged(meta: Meta, nowNs: bigint): Meta {
  return meta.ctimeNs === undefined ? meta : { ...meta, ctimeNs: nowNs };
}
