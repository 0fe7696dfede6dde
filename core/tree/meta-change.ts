import type { Octets } from '../base/octets.ts';
import { compareOctets } from '../base/octets.ts';
import type { Meta } from '../dirent/meta.ts';
import type { MetaChange } from './tree.ts';

/** Applies a change to metadata: fields set to null are removed, others not named stay. */
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

/** Metadata after a change of content: those times that it records are set to `nowNs`. */
export function contentChanged(meta: Meta, nowNs: bigint): Meta {
  if (meta.mtimeNs === undefined && meta.ctimeNs === undefined) return meta;
  return { ...meta, ...(meta.mtimeNs === undefined ? {} : { mtimeNs: nowNs }), ...(meta.ctimeNs === undefined ? {} : { ctimeNs: nowNs }) };
}

/** Metadata after a change of metadata or names: the ctime, if recorded, is set to `nowNs`. */
export function nodeChanged(meta: Meta, nowNs: bigint): Meta {
  return meta.ctimeNs === undefined ? meta : { ...meta, ctimeNs: nowNs };
}
