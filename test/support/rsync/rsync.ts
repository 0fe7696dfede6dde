import { run } from '../program.ts';

/**
 * What rsync would change to make `target` equal to `source`: contents, modes, owners, times to the nanosecond, hard links, ACLs
 * and xattrs; one line a difference, so an empty text says that nothing differs. This is the judge that no one here wrote.
 */
export async function rsyncDifferences(source: string, target: string, more: readonly string[] = []): Promise<string> {
  const options = ['-aHAXn', '--itemize-changes', '--checksum', '--delete', '--modify-window=-1', ...more];
  const found = await run('rsync', [...options, `${source}/`, `${target}/`]);
  return found.status === 0 ? found.stdout : `${found.stdout}${found.stderr}rsync ended with ${found.status}\n`;
}
