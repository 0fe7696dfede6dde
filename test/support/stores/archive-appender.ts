import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';

// A process of the archive tests: appends entries PREFIX-0, PREFIX-1, … to a file.

const [path = '', prefix = '', count = '0'] = process.argv.slice(2);
const archive = openArchiveFile(path);
for (let i = 0; i < Number(count); i++) {
  await archive.append(async () => ({
    whenNs: BigInt(i),
    dirent: { kind: 'dir', name: `${prefix}-${i}` as Octets, meta: {}, block: EMPTY_BLOCK },
  }));
}
