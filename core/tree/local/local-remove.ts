import { rmdirSync, unlinkSync } from 'node:fs';
import { throwIfCancelled } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { pathBytes } from '../../base/system/system-error.ts';
import { localChildPath, localNames, localNode } from './local-node.ts';

/** Removes a node on disk and all below it; symlinks are removed, not followed. Its depth costs no stack. */
export function removeLocal(path: Octets, signal?: AbortSignal): void {
  const ahead: { readonly path: Octets; emptied: boolean }[] = [{ path, emptied: false }];
  for (let step = ahead.at(-1); step !== undefined; step = ahead.at(-1)) {
    throwIfCancelled(signal);
    const node = step.emptied ? undefined : localNode(step.path);
    if (step.emptied) {
      rmdirSync(pathBytes(step.path));
      ahead.pop();
    } else if (node?.kind === 'dir') {
      step.emptied = true;
      for (const name of localNames(step.path)) ahead.push({ path: localChildPath(step.path, name), emptied: false });
    } else {
      if (node !== undefined) unlinkSync(pathBytes(step.path));
      ahead.pop();
    }
  }
}
