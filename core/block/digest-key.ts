/** A digest as the key of a Map, at a tenth of the time that hex takes; its order is that of the digests. */
export function digestKey(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1');
}

/** The digest of a key. */
export function digestOfKey(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}
