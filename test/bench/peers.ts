import { spawnSync } from 'node:child_process';

// The programs that are measured, ours first. Each is a few shell lines, run in a folder that holds the source `live`;
// $REPO, $CACHE and $OUT are folders, $N counts the rounds of storing.

export interface Peer {
  readonly name: string;
  /** Prints the version; a program that cannot is not installed. */
  readonly version: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly init?: string;
  readonly put: string;
  /** Gives $OUT/live. */
  readonly get: string;
}

const RESTIC_ENV = { RESTIC_REPOSITORY: '$REPO', RESTIC_PASSWORD: 'x', RESTIC_CACHE_DIR: '$CACHE' };
const BORG_ENV = {
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
    put: `restic backup -q --compression ${compression} live`,
    get: 'restic restore -q latest --target $OUT',
  };
}

function borg(name: string, compression: string): Peer {
  return {
    name,
    version: 'borg --version',
    env: BORG_ENV,
    init: 'borg init -e none',
    put: `borg create -C ${compression} ::a$N live`,
    get: 'cd $OUT && borg extract ::a$N',
  };
}

/** @param program - path of the built vtftp */
export function peers(program: string): Peer[] {
  const node = process.execPath;
  return [
    {
      name: 'vtftp',
      version: `${node} ${program} --version`,
      put: `${node} ${program} -q -S $REPO/store -c 'put live live; quit' >/dev/null`,
      get: `${node} ${program} -q -S $REPO/store -c "get live $OUT/live"`,
    },
    restic('restic', 'auto'),
    restic('restic, no compression', 'off'),
    borg('borg, no compression', 'none'),
    borg('borg, lz4', 'lz4'),
    {
      name: 'casync',
      version: 'casync --version',
      put: 'casync make --store=$REPO/s.castr $REPO/$N.caidx live >/dev/null',
      get: 'casync extract --store=$REPO/s.castr $REPO/$N.caidx $OUT/live',
    },
    {
      name: 'bup',
      version: 'bup --version',
      env: { BUP_DIR: '$REPO' },
      init: 'bup init',
      put: 'bup index live && bup save -q --strip -n main live',
      get: 'bup restore -q -C $OUT/live /main/latest/.',
    },
  ];
}

/** The version that an installed program prints, or undefined. */
export function versionOf(peer: Peer): string | undefined {
  const asked = spawnSync('sh', ['-c', peer.version], { encoding: 'utf8' });
  if (asked.status !== 0) return undefined;
  return /\d+(\.\d+)*/.exec(asked.stdout + asked.stderr)?.[0] ?? 'installed';
}
