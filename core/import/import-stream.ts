import type { Octets } from '../base/octets.ts';
import type { OpOptions } from '../base/op-options.ts';
import { parserNamed } from '../blockify/choose-parser.ts';
import { contentHint } from '../blockify/content-hint.ts';
import { Ingest } from '../blockify/ingest/ingest.ts';
import { MAX_HEAD_SIZE } from '../blockify/parser.ts';
import type { Meta } from '../dirent/meta.ts';
import type { Store } from '../store/store.ts';
import { withFoundType } from './found-type.ts';
import type { Imported } from './import.ts';
import type { ImportCounts } from './import-options.ts';

export interface StreamImportOptions extends OpOptions {
  readonly plan?: boolean | undefined;
  /** The name of a parser, or `none`; default: chosen for the content. */
  readonly parser?: string | undefined;
  /** The name of the file, which helps to choose a parser. */
  readonly fileName?: Octets | undefined;
  /** As {@link ImportOptions.keepsTypes}. */
  readonly keepsTypes?: boolean | undefined;
  /** Called after each chunk. */
  readonly onProgress?: ((counts: ImportCounts) => void) | undefined;
}

/**
 * Imports a stream as a file: standard input, a pipe, a device.
 *
 * @param chunks - a chunk may be reused once the next is requested
 * @throws the error of the chunks or the Store; ECANCELLED when the signal fires; RangeError for an unknown parser
 */
export async function importStream(
  store: Store,
  chunks: AsyncIterable<Uint8Array>,
  meta: Meta,
  options: StreamImportOptions = {},
): Promise<Imported> {
  const { signal, plan, parser } = options;
  if (parser !== undefined) parserNamed(parser);
  await using ingest = new Ingest(store, { signal, plan, parser });
  let bytes = 0;
  const head = new Uint8Array(MAX_HEAD_SIZE);
  const counts = (): ImportCounts => ({
    files: 1,
    bytes,
    dirs: 0,
    others: 0,
    unchangedFiles: 0,
    unchangedBytes: 0,
    excluded: 0,
    failures: 0,
    ...ingest.counts(),
  });
  async function* counted(): AsyncGenerator<Uint8Array> {
    for await (const chunk of chunks) {
      if (bytes < head.length) head.set(chunk.subarray(0, head.length - bytes), bytes);
      bytes += chunk.length;
      yield chunk;
      options.onProgress?.(counts());
    }
  }
  const name = options.fileName ?? ('' as Octets);
  const block = await ingest.stream(counted(), contentHint(options.fileName, meta.xattrs));
  await ingest.flushPending();
  const typed = options.keepsTypes === true ? withFoundType(meta, name, head.subarray(0, Math.min(bytes, head.length))) : meta;
  return { dirent: { kind: 'file', name, meta: typed, block }, counts: counts(), isLinkedBeyond: false };
}
