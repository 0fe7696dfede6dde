import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Part } from './parts.ts';
import type { Peer } from './peers.ts';
import { BORG_ENV } from './peers.ts';
import type { Turn } from './turn.ts';
import { MIB, makeRandomFile, makeTree } from './workloads.ts';

// A tree as one file: `ar` beside programs that make archives, and beside our own put.

/** @param ours - our put, that ar is measured against */
export function oneFileParts(program: string, ours: Peer): readonly Part[] {
  const programs = [ours, ar('vtftp ar', program, ''), ar('vtftp ar -z', program, '-z'), ...ARCHIVERS];
  return [
    part('ar', '20,000 small files, 250 MB, as one file', programs, (folder, scale) =>
      makeTree(join(folder, 'live'), Math.max(100, Math.round(20_000 * scale))),
    ),
    part('ar-random', '1 GiB that nothing compresses, as one file', programs, (folder, scale) => {
      mkdirSync(join(folder, 'live'));
      makeRandomFile(join(folder, 'live/random'), Math.ceil(1024 * scale) * MIB);
    }),
  ];
}

function part(name: string, says: string, programs: readonly Peer[], prepare: Part['prepare']): Part {
  return {
    name,
    says,
    programs,
    prepare,
    hasManyFiles: true,
    turn: (turn: Turn) => {
      turn.put('live', 'put');
      turn.stored('put');
      turn.get('live', 'get');
      turn.one('live', fileInTheMiddle(join(turn.folder, 'live')), 'one');
    },
    columns: { put: 'make', get: 'extract all', one: 'first byte of a file in the middle' },
  };
}

/** The tree is in a Store before: what is measured is the file alone. */
function ar(name: string, program: string, option: string): Peer {
  const run = `${process.execPath} ${program} -q`;
  return {
    name,
    isOurs: true,
    version: `${process.execPath} ${program} --version`,
    init: `${run} -S "datadir:$CACHE/store" -c "put live live; quit"`,
    put: `${run} -S "datadir:$CACHE/store" -c "ar ${option} $REPO/a.vtd $FROM"`,
    get: `${run} -c "ar -x $REPO/a.vtd $OUT/$FROM"`,
    one: `${run} $REPO/a.vtd -c "cat '$FILE'" | head -c 1 >/dev/null`,
  };
}

const ARCHIVERS: readonly Peer[] = [
  {
    // As with ours, the tree is in a repository before.
    name: 'borg export-tar',
    version: 'borg --version',
    env: { ...BORG_ENV, BORG_REPO: '$CACHE/borg' },
    init: 'borg init -e none && borg create -C none ::a live',
    put: 'borg export-tar ::a $REPO/a.tar',
    get: 'tar xf $REPO/a.tar -C $OUT',
    one: 'tar xOf $REPO/a.tar "$FROM/$FILE" | head -c 1 >/dev/null',
  },
  {
    name: 'tar',
    version: 'tar --version',
    put: 'tar cf $REPO/a.tar $FROM',
    get: 'tar xf $REPO/a.tar -C $OUT',
    one: 'tar xOf $REPO/a.tar "$FROM/$FILE" | head -c 1 >/dev/null',
  },
  {
    name: 'zip',
    version: 'zip -v',
    put: 'zip -qry $REPO/a.zip $FROM',
    get: 'unzip -q $REPO/a.zip -d $OUT',
    one: 'unzip -p $REPO/a.zip "$FROM/$FILE" | head -c 1 >/dev/null',
    loses: 'hard links',
  },
  {
    name: 'squashfs, zstd',
    version: 'mksquashfs -version',
    put: 'mksquashfs $FROM $REPO/a.squashfs -comp zstd -quiet -no-progress >/dev/null',
    get: 'unsquashfs -q -n -d $OUT/$FROM $REPO/a.squashfs >/dev/null',
    one: 'unsquashfs -cat $REPO/a.squashfs "$FILE" | head -c 1 >/dev/null',
  },
  {
    name: 'wim',
    version: 'wimlib-imagex --version',
    put: 'wimlib-imagex capture $FROM $REPO/a.wim --unix-data >/dev/null',
    get: 'wimlib-imagex apply $REPO/a.wim 1 $OUT/$FROM --unix-data >/dev/null',
    one: 'wimlib-imagex extract $REPO/a.wim 1 "/$FILE" --to-stdout | head -c 1 >/dev/null',
  },
  {
    name: 'zpaq -m1',
    version: 'zpaq | head -1; command -v zpaq >/dev/null',
    put: 'zpaq add $REPO/a.zpaq $FROM -m1 >/dev/null 2>&1',
    get: 'cd $OUT && zpaq extract $REPO/a.zpaq >/dev/null 2>&1',
    one: 'zpaq extract $REPO/a.zpaq "$FROM/$FILE" -to $CACHE/one -force >/dev/null 2>&1 && head -c 1 $CACHE/one >/dev/null',
    loses: 'owners, hard links',
  },
];

/** The path of one of the files below a folder, about in the middle. */
function fileInTheMiddle(folder: string): string {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => !name.includes("'") && statSync(join(folder, name), { throwIfNoEntry: false })?.isFile() === true)
    .sort();
  return names[Math.floor(names.length / 2)] ?? '';
}
