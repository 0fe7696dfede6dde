import { closeSync, fsyncSync, openSync } from 'node:fs';

/** Makes the entries of a folder durable (fsync(2)). */
export function syncFolder(folder: string): void {
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
