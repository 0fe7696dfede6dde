import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './parts.ts';
import type { Peer } from './peers.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

/** A Store that becomes one of another hash function, beside a put of the same into a new Store. @param ours - our put */
export function transitionPart(program: string, ours: Peer): Part {
  return {
    name: 'transition',
    says: '1 GiB that nothing compresses, and 2,000 small files, from SHA-1 to SHA3-256',
    programs: [ours, transition(program), inPlace(program)],
    hasManyFiles: true,
    prepare(folder, scale) {
      makeTree(join(folder, 'live'), Math.max(100, Math.round(2000 * scale)));
      mkdirSync(join(folder, 'live'), { recursive: true });
      makeRandomFile(join(folder, 'live/random'), Math.ceil(1024 * scale) * MIB);
    },
    turn(turn) {
      turn.put('live', 'put');
      turn.stored('put');
      turn.get('live', 'get');
    },
    columns: { put: 'put, or transition', get: 'get' },
  };
}

function inPlace(program: string): Peer {
  const run = `${process.execPath} ${program} -q`;
  return {
    name: 'vtftp transition in place',
    isOurs: true,
    version: `${process.execPath} ${program} --version`,
    init: `${run} -S "datadir:$REPO/store,hash=sha1" -c "put live live; quit"`,
    put: `${run} -S "datadir:$REPO/store" -c "transition sha3-256"`,
    get: `${run} -S "datadir:$REPO/store" -c "get $FROM $OUT/$FROM"`,
  };
}

function transition(program: string): Peer {
  const run = `${process.execPath} ${program} -q`;
  return {
    name: 'vtftp transition',
    isOurs: true,
    version: `${process.execPath} ${program} --version`,
    init: `${run} -S "datadir:$CACHE/store,hash=sha1" -c "put live live; quit"`,
    put: `${run} -S "datadir:$CACHE/store" -c "transition sha3-256 $REPO/store"`,
    get: `${run} -S "datadir:$REPO/store" -c "get $FROM $OUT/$FROM"`,
  };
}
