import { join } from 'node:path';
import { requireHomeFolder } from '../../core/base/system/home-folder.ts';
import { makeFolders } from '../../core/base/system/make-folders.ts';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * A folder for what processes of ours say of themselves: in the runtime folder, which goes with the login, or beside the state.
 *
 * @param name - what it is about
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
