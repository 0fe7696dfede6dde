import { dirname } from 'node:path';
import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { FolderMonitor, WatchOptions } from './folder-monitor.ts';

/**
 * Changes in a second that are a flood. Each costs a third of a millisecond, and Node hands all of them over before it does
 * anything else. With 80,000 a second nothing else was done for 9 s.
 */
const FLOOD = 300;

/**
 * Milliseconds that chokidar has to begin. It asks for each entry of a folder. Where one of them is on a filesystem that hangs or
 * has just gone away, it may never say that it is ready.
 */
const READY_MS = 2000;

/**
 * Watches the entries of folders, as logs that are followed, by chokidar, which knows each system's own means. Its events are hints
 * to look soon: who follows files looks at them every second anyway, so nothing depends on what is missed.
 */
export async function watchEntries(folders: readonly Octets[], options: Omit<WatchOptions, 'deep'>): Promise<FolderMonitor> {
  const { watch } = await import('chokidar');
  const { concerns, onChange, onError, onFlood } = options;
  const watcher = watch(
    folders.map((folder) => octetsToText(folder)),
    {
      ignoreInitial: true,
      followSymlinks: false,
      ignorePermissionErrors: true,
      depth: 0,
      ignored: (path) => !concerns(octetsFromText(path)),
    },
  );
  // A name that is not UTF-8 comes mangled: its folder means it.
  watcher.on('all', (_event, path) => onChange(octetsFromText(path.includes('\ufffd') ? dirname(path) : path)));
  watcher.on('error', onError);
  let sinceMs = performance.now();
  let events = 0;
  watcher.on('raw', () => {
    if (onFlood === undefined || ++events < FLOOD) return;
    const nowMs = performance.now();
    const isFlood = nowMs - sinceMs < 1000;
    sinceMs = nowMs;
    events = 0;
    if (!isFlood) return;
    watcher.close().catch(onError);
    onFlood();
  });
  const ready = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, READY_MS);
    watcher.once('ready', () => {
      clearTimeout(timer);
      resolve();
    });
  });
  return {
    ready,
    // It waits for folders that are not there by itself.
    renew: () => Promise.resolve(),
    [Symbol.asyncDispose]: async () => await watcher.close(),
  };
}
