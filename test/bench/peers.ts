import { spawnSync } from 'node:child_process';

// The programs that are measured, ours first. Each is a few shell lines, run in a folder that holds the sources;
// $REPO, $CACHE and $OUT are folders, $FROM the source (a name in the folder), $N counts the rounds of storing.

export interface Peer {
  readonly name: string;
  /** Ours: measured against the others. */
  readonly isOurs?: boolean;
  /** Prints the version; a program that cannot is not installed. */
  readonly version: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly init?: string;
  /** Stores $FROM, which it knows as `live` where it was stored before. */
  readonly put: string;
  /** Brings the last of what was stored back: gives $OUT/$FROM. */
  readonly get: string;
  /** Prints the file $FILE of what was stored, where the program can. */
  readonly one?: string;
  /** What it is known not to bring back of this source: then its `get` is no measure. */
  readonly loses?: string;
  /** So slow that it is measured in the first round only. */
  readonly isSlow?: boolean;
}

const RESTIC_ENV = { RESTIC_REPOSITORY: '$REPO', RESTIC_PASSWORD: 'x', RESTIC_CACHE_DIR: '$CACHE' };
/** The environment of borg. */
export const BORG_ENV = {
  BORG_REPO: '$REPO',
  BORG_BASE_DIR: '$CACHE',
  BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK: 'yes',
  BORG_RELOCATED_REPO_ACCESS_IS_OK: 'yes',
};

function restic(name: string, compression: string): Peer {
  return {
    name,
    version: 'restic version',
    env: RESTIC_ENV,
    init: 'restic init -q --repository-version 2',
    put: `restic backup -q --compression ${compression} $FROM`,
    get: 'restic restore -q latest --target $OUT',
  };
}

function borg(name: string, compression: string): Peer {
  return {
    name,
    version: 'borg --version',
    env: BORG_ENV,
    init: 'borg init -e none',
    put: `borg create -C ${compression} ::a$N $FROM`,
    get: 'cd $OUT && borg extract ::a$N',
  };
}

/**
 * @param parameters - of the Store, as `,hash=sha256`
 * @param native - which machine code may hash: as `VTFTP_NATIVE`
 */
function vtftp(name: string, program: string, parameters: string, native?: string): Peer {
  const run = `${process.execPath} ${program} -q -S "datadir:$REPO/store${parameters}"`;
  return {
    name,
    isOurs: true,
    ...(native === undefined ? {} : { env: { VTFTP_NATIVE: native } }),
    version: `${process.execPath} ${program} --version`,
    put: `${run} --json -c 'put $FROM $FROM; quit'`.replaceAll("'", '"'),
    get: `${run} -c "get $FROM $OUT/$FROM"`,
  };
}

export const PEERS = {
  restic: restic('restic', 'auto'),
  resticPlain: restic('restic, no compression', 'off'),
  borgPlain: borg('borg, no compression', 'none'),
  borgLz4: borg('borg, lz4', 'lz4'),
  borgZstd: borg('borg, zstd', 'zstd,3'),
  casync: {
    name: 'casync',
    version: 'casync --version',
    put: 'casync make --store=$REPO/s.castr $REPO/$N.caidx $FROM >/dev/null',
    get: 'casync extract --store=$REPO/s.castr $REPO/$N.caidx $OUT/$FROM',
  },
  bup: {
    name: 'bup',
    version: 'bup --version',
    env: { BUP_DIR: '$REPO' },
    init: 'bup init',
    put: 'bup index $FROM && bup save -q --strip -n main $FROM',
    get: 'bup restore -q -C $OUT/$FROM /main/latest/.',
    isSlow: true,
  },
  zpaq: {
    name: 'zpaq',
    version: 'zpaq | head -1 || true',
    put: 'zpaq add $REPO/a.zpaq $FROM -m1 -t2 >/dev/null',
    get: 'zpaq x $REPO/a.zpaq -to $OUT/ -t2 >/dev/null',
    isSlow: true,
  },
} as const satisfies Readonly<Record<string, Peer>>;

/** Our program with the settings of Stores that are measured. @param program - path of the built vtftp */
export function ourPeers(program: string): Readonly<Record<'sha3' | 'avx2' | 'wasm' | 'sha256' | 'blake3' | 'packed', Peer>> {
  return {
    sha3: vtftp('vtftp', program, ''),
    avx2: vtftp('vtftp, at most AVX2', program, '', 'avx2'),
    wasm: vtftp('vtftp, no machine code', program, '', '0'),
    sha256: vtftp('vtftp, sha256', program, ',hash=sha256'),
    blake3: vtftp('vtftp, blake3', program, ',hash=blake3'),
    packed: vtftp('vtftp, compression', program, ',compression=zstd'),
  };
}

const versions = new Map<string, string | undefined>();

/** The version that an installed program prints, or undefined. */
export function versionOf(peer: Peer): string | undefined {
  if (!versions.has(peer.version)) {
    const asked = spawnSync('sh', ['-c', peer.version], { encoding: 'utf8' });
    const said = asked.stdout + asked.stderr;
    const version = asked.status === 0 && !/not found/.test(said) ? (/\d+(\.\d+)*/.exec(said)?.[0] ?? 'installed') : undefined;
    versions.set(peer.version, version);
  }
  return versions.get(peer.version);
}
