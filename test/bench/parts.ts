import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { oneFileParts } from './one-file.ts';
import type { Peer } from './peers.ts';
import { ourPeers, PEERS } from './peers.ts';
import { transitionPart } from './transition.ts';
import type { Turn } from './turn.ts';
import { editFile, MIB, makeFirstVersion, makeRandomFile, makeSmallFiles, makeTextFile, makeTree, touchAll } from './workloads.ts';

/** A part of the benchmark: a source, programs that store it and bring it back in turns, and a table. */
export interface Part {
  readonly name: string;
  readonly says: string;
  readonly programs: readonly Peer[];
  /** Makes the sources, `live` among them. */
  readonly prepare: (folder: string, scale: number) => void;
  readonly turn: (turn: Turn) => void;
  /** Operations that are noted, and how the table calls them. */
  readonly columns: Readonly<Record<string, string>>;
  /** Nothing of it is removed before all is measured; see {@link Turn}. */
  readonly hasManyFiles?: boolean;
  /** Runs only if it is asked for. */
  readonly isOptional?: boolean;
}

const VERSIONS = 8;

/** Sizes of the parts that show how cost grows: GiB, and thousands of files. */
const GROWTH_GIB = [1, 4, 16] as const;
const GROWTH_FILES = [100, 300, 1000] as const;

function random(ours: readonly Peer[]): Part {
  return {
    name: 'random',
    says: '1 GiB that nothing compresses',
    programs: [...ours, PEERS.resticPlain, PEERS.borgPlain, PEERS.casync, PEERS.bup],
    prepare: (folder, scale) => {
      for (const name of ['live', 'other']) mkdirSync(join(folder, name));
      makeRandomFile(join(folder, 'live/random'), Math.ceil(1024 * scale) * MIB);
      copyFileSync(join(folder, 'live/random'), join(folder, 'other/same octets'));
    },
    turn: (turn) => {
      turn.put('live', 'put');
      turn.stored('put');
      turn.put('live', 'again');
      turn.get('live', 'get');
      turn.put('other', 'other');
    },
    columns: { put: 'put', again: 'again', other: 'another name', get: 'get' },
  };
}

function tree(ours: Peer): Part {
  let mtime = 1_700_000_000;
  return {
    name: 'tree',
    says: '20,000 small files, 250 MB',
    hasManyFiles: true,
    programs: [ours, PEERS.resticPlain, PEERS.restic, PEERS.borgPlain, { ...PEERS.casync, loses: 'hard links' }, PEERS.bup],
    prepare: (folder, scale) => makeTree(join(folder, 'live'), Math.max(100, Math.round(20_000 * scale))),
    turn: (turn) => {
      turn.put('live', 'put');
      turn.stored('put');
      turn.put('live', 'again');
      touchAll(join(turn.folder, 'live'), mtime++);
      turn.put('live', 'touched');
      turn.get('live', 'get');
    },
    columns: { put: 'put', again: 'again', touched: 'new mtimes', get: 'get' },
  };
}

/** What is installed on this machine: another tree on each. */
function share(ours: Peer): Part {
  return {
    name: 'share',
    says: 'a copy of /usr/share',
    hasManyFiles: true,
    programs: [ours, PEERS.resticPlain, PEERS.borgPlain],
    prepare: (folder, scale) => execFileSync('cp', ['-a', scale < 1 ? '/usr/share/man' : '/usr/share', join(folder, 'live')]),
    turn: (turn) => {
      turn.put('live', 'put');
      turn.stored('put');
      turn.put('live', 'again');
      turn.get('live', 'get');
    },
    columns: { put: 'put', again: 'again', get: 'get' },
    isOptional: true,
  };
}

function versions(ours: Peer): Part {
  return {
    name: 'versions',
    says: `${VERSIONS} versions of a file of 128 MiB, each with 64 small edits`,
    programs: [ours, PEERS.bup, PEERS.casync, PEERS.borgPlain, PEERS.resticPlain, PEERS.zpaq],
    prepare: (folder, scale) => {
      mkdirSync(join(folder, 'live'));
      makeFirstVersion(join(folder, 'v1'), Math.ceil(128 * scale) * MIB);
      for (let version = 2; version <= VERSIONS; version++) editFile(join(folder, `v${version - 1}`), join(folder, `v${version}`), version);
    },
    turn: (turn) => {
      for (let version = 1; version <= VERSIONS; version++) {
        copyFileSync(join(turn.folder, `v${version}`), join(turn.folder, 'live/file'));
        turn.put('live', version === 1 ? 'put' : 'later');
      }
      turn.stored('put');
      turn.get('live', 'get');
    },
    columns: { put: 'first', later: 'later ones, all', get: 'get of the last' },
  };
}

function text(ours: Peer): Part {
  return {
    name: 'text',
    says: '256 MiB of mail and logs, with compression',
    programs: [ours, PEERS.restic, PEERS.borgZstd, PEERS.casync, PEERS.zpaq],
    prepare: (folder, scale) => {
      mkdirSync(join(folder, 'live'));
      makeTextFile(join(folder, 'live/text'), Math.ceil(256 * scale) * MIB);
    },
    turn: (turn) => {
      turn.put('live', 'put');
      turn.stored('put');
      turn.get('live', 'get');
    },
    columns: { put: 'put', get: 'get' },
  };
}

/** Large files of several sizes: whether time an octet and memory stay. */
function scale(ours: Peer): Part {
  return {
    name: 'scale',
    says: `random files of ${GROWTH_GIB.join(', ')} GiB`,
    programs: [ours],
    prepare: (folder, factor) => {
      for (const gib of GROWTH_GIB) {
        mkdirSync(join(folder, `${gib}`));
        makeRandomFile(join(folder, `${gib}/random`), Math.ceil(gib * 1024 * factor) * MIB);
      }
    },
    turn: (turn) => {
      for (const gib of GROWTH_GIB) {
        turn.put(`${gib}`, `put${gib}`);
        turn.get(`${gib}`, `get${gib}`);
      }
    },
    columns: Object.fromEntries(
      GROWTH_GIB.flatMap((gib) => [[`put${gib}`, `put ${gib} GiB`] as const, [`get${gib}`, `get ${gib} GiB`] as const]),
    ),
    isOptional: true,
  };
}

/** Many small files: whether time and memory a file stay. */
function files(ours: Peer): Part {
  return {
    name: 'files',
    says: `${GROWTH_FILES.join(',000, ')},000 files of 200 octets`,
    programs: [ours],
    prepare: (folder, factor) => {
      for (const thousands of GROWTH_FILES) makeSmallFiles(join(folder, `${thousands}`), Math.round(thousands * 1000 * factor));
    },
    turn: (turn) => {
      for (const thousands of GROWTH_FILES) turn.put(`${thousands}`, `put${thousands}`);
    },
    columns: Object.fromEntries(GROWTH_FILES.map((thousands) => [`put${thousands}`, `put ${thousands},000`])),
    isOptional: true,
  };
}

/** Every part that compares programs over one source. @param program - path of the built vtftp */
export function allParts(program: string): readonly Part[] {
  const { sha3, avx2, wasm, sha256, blake3, packed } = ourPeers(program);
  return [
    tree(sha3),
    random([sha3, avx2, wasm, sha256, blake3]),
    versions(sha3),
    text(packed),
    ...oneFileParts(program, sha3),
    transitionPart(program, sha3),
    share(sha3),
    scale(sha3),
    files(sha3),
  ];
}
