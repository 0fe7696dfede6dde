import { linkSync, mkdirSync, symlinkSync } from 'node:fs';
import { constants, copyFile } from 'node:fs/promises';
import { throwIfCancelled } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { makeNode } from '../../base/system/libc.ts';
import type { OwnerNames } from '../../base/system/owner-names.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import { copyLocalMeta } from './local-attributes.ts';
import type { LocalNode } from './local-node.ts';
import { deviceNumber, localChildPath, localNames, localNode, localTarget } from './local-node.ts';

/**
 * Copies a node on disk, and all below it, to a path where nothing is: metadata too, hard links among the copied as
 * hard links, content by reference where the filesystem can.
 *
 * @throws SystemError; what was made until then stays
 */
export async function copyLocal(from: LocalNode, to: Octets, owners: OwnerNames, signal?: AbortSignal): Promise<void> {
  const copies = new Map<string, Octets>();
  const ahead: { readonly node: LocalNode; readonly to: Octets; filled: boolean }[] = [{ node: from, to, filled: false }];
  for (let step = ahead.at(-1); step !== undefined; step = ahead.at(-1)) {
    throwIfCancelled(signal);
    const { node } = step;
    if (node.kind === 'dir' && !step.filled) {
      step.filled = true;
      mkdirSync(pathBytes(step.to), 0o700);
      for (const name of localNames(node.path)) {
        const child = localNode(localChildPath(node.path, name));
        if (child !== undefined) ahead.push({ node: child, to: localChildPath(step.to, name), filled: false });
      }
      continue;
    }
    ahead.pop();
    const key = `${node.stat.dev}:${node.stat.ino}`;
    const copied = node.kind === 'dir' ? undefined : copies.get(key);
    if (copied !== undefined) {
      linkSync(pathBytes(copied), pathBytes(step.to));
      continue;
    }
    await copyContent(node, step.to);
    copyLocalMeta(node, step.to, owners);
    if (node.stat.nlink > 1n) copies.set(key, step.to);
  }
}

async function copyContent(node: LocalNode, to: Octets): Promise<void> {
  switch (node.kind) {
    case 'dir':
      return;
    case 'file':
      await copyFile(pathBytes(node.path), pathBytes(to), constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
      return;
    case 'symlink':
      symlinkSync(pathBytes(localTarget(node.path)), pathBytes(to));
      return;
    default:
      makeNode(pathBytes(to), Number(node.stat.mode) & 0o177777, deviceNumber(node.stat.rdev));
  }
}
