import { spawn, spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What a link between two hosts is like. */
export interface LinkQuality {
  /** That a packet takes, one way. */
  readonly delayMs: number;
  /** Of all packets. */
  readonly lossPercent: number;
  readonly seed: number;
}

/** One of the hosts: a network namespace. */
export interface LinkedHost {
  /** Words before a command line that runs there. */
  readonly enter: readonly string[];
  readonly address: string;
}

const RELAY = fileURLToPath(new URL('./slow-link-relay.js', import.meta.url));

/** Two hosts on this machine, joined by a link that is slow and loses packets. It and they are gone when it is disposed of. */
export class SlowLink implements Disposable {
  readonly near: LinkedHost;
  readonly far: LinkedHost;
  readonly #names: readonly string[];
  readonly #relay: ReturnType<typeof spawn>;

  /** Why there can be none here; undefined if there can. */
  static unable(): string | undefined {
    if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'root on Linux is needed';
    if (!existsSync('/dev/net/tun')) return 'there is no /dev/net/tun';
    if (spawnSync('ip', ['-V']).error !== undefined) return 'ip is needed (apt-get install iproute2)';
    return undefined;
  }

  /**
   * @param folder - for a file of its own
   * @throws {Error} where the system does not give what it needs
   */
  constructor(folder: string, { delayMs, lossPercent, seed }: LinkQuality) {
    const names = ['near', 'far'].map((side) => `vt${process.pid % 100_000}${side}`);
    const [near = '', far = ''] = names;
    this.#names = names;
    const said = join(folder, 'link');
    const fd = openSync(said, 'w');
    this.#relay = spawn(process.execPath, [RELAY, near, far, String(delayMs), String(lossPercent), String(seed)], {
      stdio: ['ignore', fd, 'inherit'],
    });
    closeSync(fd);
    // Whoever measures waits too, and nothing else is to run meanwhile.
    for (let tries = 0; !readFileSync(said, 'utf8').includes('ready'); tries++) {
      if (tries === 100) throw new Error('slow-link: the relay does not start');
      spawnSync('sleep', ['0.05']);
    }
    this.near = this.#makeHost(near, '10.201.7.1', '10.201.7.2');
    this.far = this.#makeHost(far, '10.201.7.2', '10.201.7.1');
  }

  #makeHost(name: string, address: string, peer: string): LinkedHost {
    ip('netns', 'add', name);
    ip('link', 'set', name, 'netns', name);
    ip('-n', name, 'address', 'add', address, 'peer', peer, 'dev', name);
    for (const device of ['lo', name]) ip('-n', name, 'link', 'set', device, 'up');
    return { enter: ['ip', 'netns', 'exec', name], address };
  }

  [Symbol.dispose](): void {
    this.#relay.kill('SIGKILL');
    for (const name of this.#names) spawnSync('ip', ['netns', 'delete', name], { stdio: 'ignore' });
  }
}

function ip(...words: readonly string[]): void {
  const { status, stderr } = spawnSync('ip', words, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`ip ${words.join(' ')}: ${stderr.trim()}`);
}
