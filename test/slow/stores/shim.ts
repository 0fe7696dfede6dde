import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { PROJECT_ROOT } from '../../support/project.ts';

/** Why the shim cannot be used on this machine, or undefined. */
export function shimUnable(): string | undefined {
  if (process.platform !== 'linux') return 'it needs Linux';
  return spawnSync('cc', ['--version'], { stdio: 'ignore' }).status === 0 ? undefined : 'it needs a C compiler (cc)';
}

/** Compiles `shim.c`. @returns the path of the library to preload */
export function makeShim(folder: string): string {
  const library = join(folder, 'shim.so');
  const made = spawnSync(
    'cc',
    ['-O1', '-shared', '-fPIC', '-o', library, join(PROJECT_ROOT, 'test/slow/stores/shim.c'), '-ldl', '-lpthread'],
    {
      encoding: 'utf8',
    },
  );
  if (made.status !== 0) throw new Error(`compile shim.c: ${made.stderr}`);
  return library;
}
