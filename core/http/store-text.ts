import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import { formatArchiveLine } from '../archive/archive-line.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import { madeEtag, REVALIDATED } from './headers.ts';
import type { Representation } from './representation.ts';
import { formatDescription } from './store-description.ts';
import type { HomeArchive } from './web-tree.ts';

/** The answer of `/store`: the description of the Store. @param instance - names this process, for clients that may write */
export async function describeStore(store: Store, home: HomeArchive | undefined, instance?: string): Promise<Representation> {
  const listed = (await capability(store, 'archives')?.list?.()) ?? [];
  const archives = [...new Set([...listed, ...(home === undefined ? [] : [home.name])])];
  const durability = instance === undefined ? undefined : capability(store, 'durability')?.durability;
  const { hashName, edges } = store;
  const body = Buffer.from(formatDescription({ hashName, edges, givesRecords: true, tellsMany: true, archives, durability, instance }));
  return {
    etag: madeEtag('store', body.toString()),
    contentType: 'application/json',
    size: undefined,
    headers: { 'cache-control': REVALIDATED },
    read: () => pieces([body]),
  };
}

/** The entity tag of the newest state; a client that records the next one names it. */
export function lastEtag(last: ArchiveEntry | undefined): string {
  return madeEtag('last', String(last?.number), String(last?.whenNs));
}

/** The lines of an archive, each after its number, for programs. @param onlyLast - give only the newest */
export async function archiveLines(archive: Archive, onlyLast: boolean): Promise<Representation> {
  const last = await archive.last();
  return {
    etag: onlyLast ? lastEtag(last) : madeEtag('lines', String(last?.number), String(last?.whenNs)),
    contentType: 'text/plain; charset=us-ascii',
    size: undefined,
    headers: { 'cache-control': REVALIDATED },
    read: (_, signal) => linesOf(onlyLast ? pieces(last === undefined ? [] : [last]) : archive.entries({ signal })),
  };
}

async function* linesOf(
  entries: AsyncIterable<Parameters<typeof formatArchiveLine>[0] & { readonly number: number }>,
): AsyncGenerator<Uint8Array> {
  for await (const entry of entries) yield Buffer.from(`${entry.number} ${formatArchiveLine(entry)}\n`, 'latin1');
}

async function* pieces<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item);
}
