import type { Octets } from '../../../core/base/octets.ts';
import { octetsToBytes } from '../../../core/base/octets.ts';
import type { FileDirent } from '../../../core/dirent/dirent.ts';
import { changedRanges } from '../../../core/tree/diff/changed-ranges.ts';
import type { SideFile } from '../../../core/tree/diff/side-content.ts';
import { contentOf } from '../../../core/tree/diff/side-content.ts';
import { formatHunks, hunksOf, isText } from '../../../core/tree/diff/unified.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import type { TreeContext } from '../../command.ts';
import { octetsFields } from '../format.ts';
import type { NamedSides } from './diff-sides.ts';
import { patchName } from './diff-sides.ts';

/** Files of at most this many bytes are compared by lines. */
const MAX_TEXT_SIZE = 4 * 1024 * 1024;

/** A file of one side; a file that only one side has counts as empty on the other. */
export interface FilePair {
  /** Its path in the compared trees; `shown`: its path in the output. */
  readonly path: TreePath;
  readonly shown: TreePath;
  readonly before: FileDirent | undefined;
  readonly after: FileDirent | undefined;
}

/** Shows how the content of a file differs: text as a patch, other content by the ranges that changed. */
export async function showContent(context: TreeContext, sides: NamedSides, pair: FilePair, showsRanges: boolean): Promise<void> {
  const { output, signal } = context;
  const { before, after, path, shown } = pair;
  const at = (which: 'before' | 'after', file: FileDirent): SideFile => ({ side: sides[which].side, path, file });
  const [a, b] = [before && at('before', before), after && at('after', after)];
  const [first, second] = [await textOf(a, signal), await textOf(b, signal)];
  const [from, to] = [
    before === undefined ? '/dev/null' : patchName('a', shown),
    after === undefined ? '/dev/null' : patchName('b', shown),
  ];
  if (first !== undefined && second !== undefined) {
    const hunks = formatHunks(hunksOf(first, second));
    if (hunks === '') return;
    const patch = `--- ${from}\n+++ ${to}\n${hunks}` as Octets;
    if (output.json) output.record({ ...octetsFields('path', shown), ...octetsFields('patch', patch) });
    else await output.bytes(octetsToBytes(patch));
    return;
  }
  if (!showsRanges || a === undefined || b === undefined) {
    output.line(`Binary files ${output.name(from as Octets)} and ${output.name(to as Octets)} differ`);
    return;
  }
  for await (const { before: old, after: now } of changedRanges(a, b, { signal })) {
    output.record({ ...octetsFields('path', shown), range: { before: old, after: now } });
    output.line(`@@ -${old.start},${old.size} +${now.start},${now.size} @@ bytes`);
  }
}

/** The content if it is text; undefined for other content. */
async function textOf(of: SideFile | undefined, signal: AbortSignal): Promise<Uint8Array | undefined> {
  if (of === undefined) return new Uint8Array(0);
  if (of.file.block.span > MAX_TEXT_SIZE) return undefined;
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of contentOf(of, 0, { signal })) {
    if (size === 0 && !isText(chunk)) return undefined;
    size += chunk.length;
    if (size > MAX_TEXT_SIZE) return undefined; // a local file that is growing
    chunks.push(Uint8Array.from(chunk));
  }
  const data = Buffer.concat(chunks);
  return isText(data) ? data : undefined;
}
