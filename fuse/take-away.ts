import { spawn } from 'node:child_process';
import { VtError } from '../core/base/errors.ts';
import { errorReason } from '../core/base/system/system-error.ts';

/** Unmounts in another process: the kernel first writes back its cache, and this process has to answer those requests. */
export async function takeAway(mountPoint: string, lazy: boolean): Promise<void> {
  const [command, words] = unmountCommand(lazy);
  const child = spawn(command, [...words, '--', mountPoint], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 500) said += text;
  });
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', (error) =>
      reject(new VtError('EFAILED', `unmount "${mountPoint}": run ${child.spawnfile}: ${errorReason(error)}`, { cause: error })),
    );
    child.once('close', resolve);
  });
  if (status === 0) return;
  const busy = /busy/i.test(said);
  throw new VtError('EFAILED', `unmount "${mountPoint}": ${busy ? 'it is in use' : said.trim().split('\n')[0]}`, {
    ...(busy ? { remedy: 'end the programs that use it (fuser -vm lists them), or use umount -l' } : {}),
  });
}

function unmountCommand(lazy: boolean): readonly [command: string, words: readonly string[]] {
  if (process.platform === 'darwin') return ['umount', lazy ? ['-f'] : []];
  if (process.geteuid?.() === 0) return ['umount', ['-i', ...(lazy ? ['-l'] : [])]];
  return ['fusermount3', ['-u', ...(lazy ? ['-z'] : [])]];
}
