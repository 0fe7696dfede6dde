import { dirname } from 'node:path';
import type { Octets } from '../base/octets.ts';
import { octetsFromText, octetsToText } from '../base/octets.ts';
import type { FolderMonitor, WatchOptions } from './folder-monitor.ts';

/**
 * Changes per second that count as a flood. Each costs a third of a millisecond, and Node delivers all of them before it does anything
 * else. At 80,000 a second, nothing else ran for 9 s.
 */
const FLOOD = 300;

/**
 * Milliseconds that chokidar gets to start. It calls stat on each entry of a folder. If one is on a filesystem that hangs or has just gone
 * away, chokidar may never report that it is ready.
 */
const READY_MS = 2000;

/**
 * Watches the entries of folders, such as followed logs, with chokidar, which uses each system's own interface. Its events are only hints:
 * followed files are polled every second anyway, so a missed event costs at most that time.
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
  // Node garbles names that are not UTF-8: report the folder instead.
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
    // chokidar itself waits for folders that do not exist yet.
    renew: () => Promise.resolve(),
    [Symbol.asyncDispose]: async () => await watcher.close(),
  };
}
