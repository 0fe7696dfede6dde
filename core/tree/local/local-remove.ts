import { constants } from 'node:fs';
import { throwIfCancelled } from '../../base/errors.ts';
import type { Octets } from '../../base/octets.ts';
import { cName } from '../../base/system/at-calls.ts';
import { atCalls } from '../../base/system/choose-at-calls.ts';
import { fileType } from '../../base/system/node-stat.ts';
import { LocalDescent } from './local-descent.ts';

/** A directory that is being emptied. */
interface Level {
  /** Its name in the parent directory. */
  readonly name: Octets;
  /** Names that remain to be removed. */
  readonly names: Octets[];
}

/**
 * Removes a node on disk and everything below it; symlinks are removed, not followed.
 *
 * @param path - a path without a trailing slash
 */
export function removeLocal(path: Octets, signal?: AbortSignal): void {
  const at = path.lastIndexOf('/');
  using place = new LocalDescent(at < 0 ? ('.' as Octets) : ((path.slice(0, at) || '/') as Octets));
  const levels: Level[] = [];
  removeOrEnter(place, path.slice(at + 1) as Octets, levels);
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    throwIfCancelled(signal);
    const next = level.names.pop();
    if (next !== undefined) {
      removeOrEnter(place, next, levels);
      continue;
    }
    place.leave();
    atCalls().rmdir(place.fd, cName(level.name));
    levels.pop();
  }
}

/** Removes a name; enters a directory instead. */
function removeOrEnter(place: LocalDescent, name: Octets, levels: Level[]): void {
  const stat = atCalls().stat(place.fd, cName(name));
  if (stat === undefined) return;
  if (fileType(stat) !== constants.S_IFDIR) {
    atCalls().unlink(place.fd, cName(name));
    return;
  }
  place.enter(name);
  levels.push({ name, names: place.names() });
}
