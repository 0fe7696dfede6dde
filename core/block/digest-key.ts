/** Converts a digest to the key of a Map, in a tenth of the time of hex. Keys sort like digests. */
export function digestKey(digest: Uint8Array): string {
  return Buffer.from(digest.buffer, digest.byteOffset, digest.byteLength).toString('latin1');
}

/** Converts a key back to the digest. */
export function digestOfKey(key: string): Uint8Array {
  return Buffer.from(key, 'latin1');
}
