import type { FSWatcher } from 'node:fs';
import { statSync, watch } from 'node:fs';
import { basename, dirname } from 'node:path';

/** Milliseconds between two checks of the file: no system reports changes by another machine on a network filesystem. */
const LOOK_MS = 2000;

/**
 * Tells soon after a file has changed, was made, or was replaced. Its folder need not be there. It keeps no process running.
 *
 * @returns ends it
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
        // The folder itself was moved or removed: another may take its name.
        else if (changed === basename(folder)) forget();
      }).on('error', forget);
    } catch {
      // It is not there yet, or the system has no watch left: it is looked at all the same.
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

/** What is another after each change; '' where there is no file. */
function markOf(path: string): string {
  try {
    const { dev, ino, size, mtimeNs } = statSync(path, { bigint: true });
    return `${dev} ${ino} ${size} ${mtimeNs}`;
  } catch {
    return '';
  }
}
