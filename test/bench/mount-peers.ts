import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSecondsOf, serverOf } from './mount-server.ts';

// Programs that mount something, ours first: each is a few shell lines, in which $REPO is a folder of its own, $FROM what it is made of and $MNT
// the mount point.

export interface MountPeer {
  readonly name: string;
  /** Commands without which it cannot be measured. */
  readonly needs: readonly string[];
  /** Stores $FROM. */
  readonly store: string;
  /** Mounts it, and stays or returns. */
  readonly mount: string;
  readonly unmount: string;
  /** Looks at what is stored, where it is ours. */
  readonly look?: string;
  /** Where $FROM is to be seen below the mount point. */
  readonly path: string;
}

const BORG = 'BORG_BASE_DIR=$REPO/base BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes BORG_RELOCATED_REPO_ACCESS_IS_OK=yes';
const RESTIC = 'RESTIC_PASSWORD=x RESTIC_CACHE_DIR=$REPO/cache';

/**
 * @param program - path of the built vtftp
 * @param name - what it is called beside the others
 * @param options - of `mount`
 */
export function vtftpMount(program: string, name = 'vtftp', options = ''): MountPeer & { readonly look: string } {
  const run = `XDG_RUNTIME_DIR=$REPO "${process.execPath}" "${program}" -q -S $REPO/store`;
  return {
    name,
    needs: [],
    store: `${run} -c "put $FROM /; quit"`,
    mount: `${run} -c "mount ${options} $MNT"`,
    unmount: `${run} -c "umount $MNT"`,
    look: `${run} -c ls`,
    path: 'live',
  };
}

export const READ_PEERS: readonly MountPeer[] = [
  {
    name: 'squashfuse',
    needs: ['squashfuse', 'mksquashfs'],
    store: 'mksquashfs $FROM $REPO/image -keep-as-directory -no-progress -quiet -comp lz4 >/dev/null',
    mount: 'squashfuse $REPO/image $MNT',
    unmount: 'umount $MNT',
    path: 'live',
  },
  {
    name: 'borg mount',
    needs: ['borg'],
    store: `cd $FROM/.. && ${BORG} borg init -e none $REPO/repo && ${BORG} borg create -C none $REPO/repo::a live`,
    mount: `${BORG} borg mount $REPO/repo::a $MNT`,
    unmount: 'umount $MNT',
    path: 'live',
  },
  {
    name: 'restic mount',
    needs: ['restic'],
    store: `cd $FROM/.. && ${RESTIC} restic -q -r $REPO/repo init --repository-version 2 && ${RESTIC} restic -q -r $REPO/repo backup --compression off live`,
    mount: `${RESTIC} restic -q -r $REPO/repo mount $MNT`,
    unmount: 'umount $MNT',
    path: 'snapshots/latest/live',
  },
];

export const BINDFS: MountPeer = {
  name: 'bindfs',
  needs: ['bindfs'],
  store: 'mkdir -p $REPO/behind/live',
  mount: 'bindfs $REPO/behind $MNT',
  unmount: 'umount $MNT',
  path: 'live',
};

/** The disk itself, at another place: what all that mount something over it cost. */
export const BIND_MOUNT: MountPeer = {
  name: 'bind mount',
  needs: ['mount'],
  store: 'mkdir -p $REPO/behind/live',
  mount: 'mount --bind $REPO/behind $MNT',
  unmount: 'umount $MNT',
  path: 'live',
};

/** Whether all that a program needs is there. */
export function isThere({ needs }: MountPeer): boolean {
  return areThere(needs);
}

/** Whether all of some commands can be run. */
export function areThere(commands: readonly string[]): boolean {
  return commands.every((command) => spawnSync('sh', ['-c', `command -v ${command}`]).status === 0);
}

/** A folder in which a program stores something and mounts it. */
export class MountTurn implements Disposable {
  readonly #peer: MountPeer;
  readonly #env: NodeJS.ProcessEnv;
  readonly mountPoint: string;
  #isMounted = false;
  /** The process that serves the mount. */
  #server: number | undefined;

  /** @param from - a folder called `live` */
  constructor(peer: MountPeer, folder: string, from: string) {
    this.#peer = peer;
    this.mountPoint = join(folder, 'mnt');
    mkdirSync(this.mountPoint, { recursive: true });
    this.#env = { ...process.env, REPO: folder, FROM: from, MNT: this.mountPoint };
  }

  /** What was stored, as it is to be seen. */
  get path(): string {
    return join(this.mountPoint, this.#peer.path);
  }

  store(): number {
    return this.#run(this.#peer.store);
  }

  /** Processor time that the mount's process has taken so far; undefined of what is served by the kernel. */
  get cpuSeconds(): number | undefined {
    return this.#server === undefined ? undefined : cpuSecondsOf(this.#server);
  }

  /** Mounts it with nothing of it in any cache. */
  mountCold(): void {
    dropCaches();
    const child = spawn('sh', ['-c', `exec ${this.#peer.mount.replace(/^(\w+=\S+ )+/, 'env $&')}`], { env: this.#env, stdio: 'ignore' });
    child.unref();
    const until = Date.now() + 60_000;
    while (!readFileSync('/proc/mounts', 'utf8').includes(` ${this.mountPoint} `)) {
      if (Date.now() > until) throw new Error(`"${this.#peer.mount}": nothing was mounted`);
      spawnSync('sleep', ['0.05']);
    }
    this.#isMounted = true;
    this.#server = serverOf(this.mountPoint);
    spawnSync('ls', [this.path], { stdio: 'ignore' });
  }

  /** Seconds that a shell line takes. */
  run(line: string): number {
    return this.#run(line.replaceAll('$PATH_THERE', this.path));
  }

  /** What a shell line prints. */
  read(line: string): string {
    return execFileSync('sh', ['-c', line.replaceAll('$PATH_THERE', this.path)], { env: this.#env, encoding: 'utf8' });
  }

  unmount(): number {
    this.#isMounted = false;
    this.#server = undefined;
    return this.#run(this.#peer.unmount);
  }

  #run(line: string): number {
    const started = performance.now();
    const { status, stderr } = spawnSync('sh', ['-c', line], { env: this.#env, encoding: 'utf8', stdio: ['ignore', 'ignore', 'pipe'] });
    if (status !== 0) throw new Error(`"${line}": ${stderr.trim().split('\n').at(-1)}`);
    return (performance.now() - started) / 1000;
  }

  [Symbol.dispose](): void {
    if (this.#isMounted) spawnSync('umount', ['-l', this.mountPoint]);
    if (existsSync(this.mountPoint)) {
      try {
        rmdirSync(this.mountPoint);
      } catch {
        // It is removed with the folder.
      }
    }
  }
}

/** Empties the page cache, where that is permitted. */
export function dropCaches(): void {
  spawnSync('sh', ['-c', 'sync; echo 3 > /proc/sys/vm/drop_caches'], { stdio: 'ignore' });
}
