import { createRequire } from 'node:module';

// The only file that imports @napi-rs/blake-hash: a packaged native BLAKE3 (2,900 MB/s at 16 KiB, where @noble/hashes
// reaches 40). Loading it takes 6 ms, so that happens at the first digest; where its binary cannot load, the
// reference does the work.

type Blake3 = (data: Uint8Array) => Uint8Array;

let engine: Blake3 | undefined;

function loadEngine(): Blake3 {
  const require = createRequire(import.meta.url);
  try {
    // In one call: at 8 KiB 1,820 MB/s, where a hasher object for each digest reached 950.
    const { blake3 } = require('@napi-rs/blake-hash') as typeof import('@napi-rs/blake-hash');
    return (data) => blake3(data);
  } catch {
    const { blake3 } = require('@noble/hashes/blake3.js') as typeof import('@noble/hashes/blake3.js');
    return (data) => blake3(data);
  }
}

/** The BLAKE3 digest (32 octets) of `data`. */
export function blake3Digest(data: Uint8Array): Uint8Array {
  engine ??= loadEngine();
  return engine(data);
}
