import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { lstatSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from './program.ts';

const STATUSES: readonly (number | undefined)[] = [0, 1, 2, 3, 10, 11, 12, 13];

/** What becomes of a file or folder. `outside` has a file `victim` and a folder `folder`, where nothing is to be written. */
export const HARMS: Readonly<Record<string, (path: string, outside: string) => void>> = {
  'a symlink': (path, outside) => {
    const target = lstatSync(path).isDirectory() ? 'folder' : 'victim';
    replaced(path, () => symlinkSync(join(outside, target), path));
  },
  'a dangling symlink': (path, outside) => replaced(path, () => symlinkSync(join(outside, 'nowhere'), path)),
  'a symlink to itself': (path) => replaced(path, () => symlinkSync(path, path)),
  'a directory': (path) => replaced(path, () => mkdirSync(path)),
  'a FIFO': (path) => replaced(path, () => void spawnSync('mkfifo', [path])),
  'an empty file': (path) => replaced(path, () => writeFileSync(path, '')),
  'a file cut short': (path) => (lstatSync(path).isFile() ? truncateSync(path, Math.floor(lstatSync(path).size / 2)) : undefined),
  'a file with an octet flipped': (path) => (lstatSync(path).isFile() ? flip(path) : undefined),
};

function replaced(path: string, make: () => void): void {
  rmSync(path, { recursive: true });
  make();
}

function flip(path: string): void {
  const data = readFileSync(path);
  const at = Math.floor(data.length / 2);
  if (data.length > 0) data.writeUInt8(data.readUInt8(at) ^ 4, at);
  writeFileSync(path, data);
}

/** A documented status, and lines for people. */
export function assertInGoodOrder(what: string, result: Run): void {
  assert.ok(STATUSES.includes(result.status), `${what}: ${result.report}`);
  assert.doesNotMatch(result.stderr, /^\s+at .*:\d+:\d+|\[object|Error:/m, `${what}: ${result.report}`);
  for (const line of result.stderr.split('\n')) assert.ok(line.length < 1000, `${what}: ${line}`);
}
