import type { FSWatcher } from 'node:fs';
import { statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Milliseconds between two checks of the file. No system reports changes that another machine makes on a network filesystem. */
const LOOK_MS = 2000;

/**
 * Calls `onChange` soon after a file has changed, was made, was replaced or was removed. Its folder need not exist. The watch does not keep
 * the process
 * running.
 *
 * @returns a function that ends the watch
 */
export function watchFile(path: string, onChange: () => void): () => void {
  const folder = dirname(path);
  const name = basename(path);
  let known = markOf(path);
  let watcher: FSWatcher | undefined;
  const look = (): void => {
    const now = markOf(path);
    if (now === known) return;
    known = now;
    onChange();
  };
  const forget = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const listen = (): void => {
    try {
      watcher ??= watch(folder, { persistent: false }, (_, changed) => {
        if (changed === null || changed === name) look();
        // The folder itself was moved or removed. Another may get its name.
        else if (changed === basename(folder)) forget();
      }).on('error', forget);
    } catch {
      // The folder does not exist yet, or the system has no watch left. The timer still checks the file.
    }
  };
  listen();
  const timer = setInterval(() => {
    listen();
    look();
  }, LOOK_MS).unref();
  return () => {
    clearInterval(timer);
    forget();
  };
}

/** A text that changes with the file; '' if there is none. */
function markOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch {
    return '';
  }
}
