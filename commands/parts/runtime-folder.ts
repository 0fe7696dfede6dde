import { join } from 'node:path';
import { requireHomeFolder } from '../../core/base/system/home-folder.ts';
import { makeFolders } from '../../core/base/system/make-folders.ts';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Makes and returns a folder for records of running processes: in the runtime folder, which ends with the login, or else in the state
 * folder.
 *
 * @param name - the last element of its path
 */
export function runtimeFolder(env: Environment, name: string): string {
  const runtime = env['XDG_RUNTIME_DIR'];
  const state = env['XDG_STATE_HOME'];
  const base =
    runtime?.startsWith('/') === true
      ? runtime
      : state?.startsWith('/') === true
        ? state
        : join(requireHomeFolder(env['HOME'], 'the records of processes'), '.local/state');
  const folder = join(base, 'vtftp', name);
  makeFolders(folder, 0o700);
  return folder;
}
