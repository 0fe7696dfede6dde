import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** A folder of a test's own, removed when it ends, and an environment in which the program keeps everything in it. */
export interface Scratch {
  readonly folder: string;
  readonly env: Readonly<Record<string, string>>;
  /** A path in the folder. */
  path(name: string): string;
  /** Makes a folder in it. */
  mkdir(name: string): string;
  /** Runs something when the test has ended, before the folder is removed; what was given last runs first. */
  beforeRemoval(run: () => void): void;
}

/** Scratch folders of tests that have ended. They are removed once more at the end of the process, which may have written into them since. */
const folders = new Set<string>();

function removeFolders(): void {
  for (const folder of folders) remove(folder);
}

/** Removes a folder, into which a process that is about to end may still write. What stays then is no fault of the test. */
function remove(folder: string): void {
  try {
    rmSync(folder, { recursive: true, force: true, maxRetries: 8, retryDelay: 50 });
  } catch (error) {
    process.stderr.write(`test: ${folder} stays: ${String(error)}\n`);
  }
}

export function makeScratch(t: Pick<TestContext, 'after'>): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-test-'));
  chmodSync(folder, 0o755);
  const endings: (() => void)[] = [];
  t.after(() => {
    for (const end of endings.reverse()) end();
    // What tests close even to themselves is opened first.
    spawnSync('chmod', ['-R', 'u+rwX', folder], { stdio: 'ignore' });
    remove(folder);
    // Hooks run in the order in which they were set. A Store that a later hook closes writes its index into the folder again.
    if (folders.size === 0) process.once('exit', removeFolders);
    folders.add(folder);
  });
  const home = join(folder, 'home');
  mkdirSync(join(home, 'run'), { recursive: true, mode: 0o700 });
  return {
    folder,
    env: {
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CONFIG_HOME: join(home, 'config'),
      XDG_STATE_HOME: join(home, 'state'),
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_RUNTIME_DIR: join(home, 'run'),
      LC_ALL: 'C.UTF-8',
      TERM: 'dumb',
    },
    path: (name) => join(folder, name),
    beforeRemoval: (end) => void endings.push(end),
    mkdir: (name) => {
      mkdirSync(join(folder, name), { recursive: true });
      return join(folder, name);
    },
  };
}
