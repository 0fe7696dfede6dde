import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { VtError } from '../../../core/base/errors.ts';
import { copyBufferOfBlock } from '../../../core/block/block-buffer.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { walkDirent } from '../../../core/tree/walk.ts';

// Reads one Store after the other, as told by the parent.

process.on('message', (message: { readonly store: string; readonly recited: readonly string[] }) => {
  readAll(message.store, message.recited).then(
    (digest) => process.send?.(`whole ${digest}`),
    (error: unknown) => {
      // What the product has a word for is told; anything else would be a fault of its own.
      const { code } = error as { readonly code?: unknown };
      const isTold = error instanceof VtError || typeof code === 'string';
      process.send?.(isTold ? `error ${String(code)}` : `unforeseen: ${error instanceof Error ? error.stack : String(error)}`);
    },
  );
});

async function readAll(store: string, recited: readonly string[]): Promise<string> {
  const digest = createHash('sha256');
  await using datadir = await openDatadir(store);
  const roots = new Map<string, Parameters<typeof walkDirent>[1]>();
  for await (const { dirent } of openArchiveFile(join(store, 'archives', 'default.vt'), { readOnly: true }).entries()) {
    roots.set(formatDirent(dirent), dirent);
  }
  for (const dirref of recited) {
    const root = roots.get(dirref);
    // A line of the archive that cannot be read is passed over, and told by fsck and log.
    if (root === undefined) throw new VtError('ECORRUPT', 'a root is not in the archive any more');
    for await (const item of walkDirent(datadir, root)) {
      digest.update(`${item.kind} ${item.path}\n`);
      if (item.kind !== 'node' || item.dirent.kind !== 'file') continue;
      await using content = copyBufferOfBlock(datadir, item.dirent.block);
      digest.update(await content.rest());
    }
  }
  return digest.digest('hex');
}
