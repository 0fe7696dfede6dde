import { join } from 'node:path';
import { openArchiveFile } from '../../core/archive/archive-file.ts';
import { formatDirent } from '../../core/dirent/dirent-text.ts';
import { findingText, isFault } from '../../core/maintain/findings.ts';
import { fsck } from '../../core/maintain/fsck.ts';
import { scrub } from '../../core/maintain/scrub.ts';
import { openDatadir } from '../../core/store/datadir.ts';
import type { StoreCheck } from './store-check.ts';

// Checks one Store after the other, as told by the parent; answers with what is wrong, or with true.

process.on('message', (message: StoreCheck) => {
  checkStore(message).then(
    (wrong) => process.send?.(wrong ?? true),
    (error: unknown) => process.send?.(error instanceof Error ? (error.stack ?? error.message) : String(error)),
  );
});

async function checkStore({ store, recited, scrub: alsoScrub }: StoreCheck): Promise<string | undefined> {
  const wrong: string[] = [];
  const archived = new Set<string>();
  const archive = openArchiveFile(join(store, 'archives', 'default.vt'), { readOnly: true });
  for await (const { dirent } of archive.entries()) archived.add(formatDirent(dirent));
  for (const dirref of recited) if (!archived.has(dirref)) wrong.push(`recited and not archived: ${dirref}`);
  await using datadir = await openDatadir(store);
  await fsck(datadir, {
    onFinding(finding) {
      // A line of the archive that was cut short was never recited.
      if (isFault(finding) && finding.kind !== 'archive') wrong.push(findingText(finding));
    },
  });
  if (alsoScrub !== false) {
    await scrub(datadir, {
      onFinding: (finding) => void (finding.kind === 'harm' && wrong.push(`scrub: ${findingText(finding)}`)),
      nowSeconds: () => 0,
      monotonicMs: () => performance.now(),
    });
  }
  return wrong.length === 0 ? undefined : wrong.slice(0, 5).join('; ');
}
