import { existsSync } from 'node:fs';
import { resolveLocalPath } from '../../commands/parts/local-path.ts';
import { VtError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToBytes, octetsToText, octetsToTextStrict } from '../../core/base/octets.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import { isDatadir } from '../../core/datadir/datadir-recovery.ts';
import { skipReference, URI_SCHEME } from '../../core/dirent/reference-skip.ts';
import { expandHome } from '../../core/openers/home-path.ts';
import { parseStoreSpecification } from '../../core/openers/open-store.ts';
import { SpecificationError, textParameter } from '../../core/openers/specification.ts';
import { canWrite, capability } from '../../core/store/capability.ts';
import type { Store } from '../../core/store/store.ts';
import { exists, openMounted, openPath, placeOf } from './open-path.ts';
import { openReference } from './open-reference.ts';
import { openSpecification, openStoreAt, sessionStore } from './open-specification.ts';
import type { OpenedSource, SourceOptions } from './opened-source.ts';
import { isAbsent } from './stores.ts';

/**
 * Opens the source of `vtftp SOURCE` and `open SOURCE`; without one, the latest root of the default archive.
 *
 * @throws {VtError} EOPEN if it cannot be opened; errors of the Store for missing or damaged Blocks
 */
export async function openSource(source: Octets | undefined, options: SourceOptions): Promise<OpenedSource> {
  const stores: Store[] = [];
  const wrapStore = async (opened: Store): Promise<Store> => {
    const store = await options.wrapStore(opened);
    stores.push(store);
    const journals = capability(store, 'journals');
    if (journals?.isEmpty === false && (!canWrite(store) || (await journals.hasLeft())))
      await (await import('./recover-journals.ts')).recoverJournals(store, journals, options);
    return store;
  };
  try {
    return await openAny(source, { ...options, wrapStore });
  } catch (error) {
    // An open connection would keep the process alive.
    await Promise.allSettled(stores.map(async (store) => await store[Symbol.asyncDispose]()));
    throw asOpenError(source, options.storeSpecification, error);
  }
}

/** Keeps errors that have their own exit status, and turns all others into EOPEN. */
function asOpenError(source: Octets | undefined, store: string | undefined, error: unknown): unknown {
  if (error instanceof VtError && !['EFAILED', 'EUNSUPPORTED', 'EUSAGE'].includes(error.code)) return error;
  if (!(error instanceof Error)) return error;
  const byDefault = store === undefined ? 'the default archive' : `Store "${shorten(store)}"`;
  const what = source === undefined ? byDefault : `"${shorten(octetsToText(source))}"`;
  // An invalid specification is quoted only once.
  const fact = error instanceof SpecificationError ? `${error.what}, at column ${error.offset + 1}` : errorText(error);
  return new VtError('EOPEN', `open ${what}: ${fact}`, {
    cause: error,
    ...(error instanceof VtError && error.remedy !== undefined ? { remedy: error.remedy } : {}),
  });
}

function shorten(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 77)}...`;
}

/** The start of a pasted reference. If it is incomplete or misspelt, the error names the place. */
const LIKE_REFERENCE = /^(?:D|F|H|B|I|LB|RLE|SubB|SymLink|Indirect|Fifo|Socket|Char|Block)\{/;

async function openAny(source: Octets | undefined, options: SourceOptions): Promise<OpenedSource> {
  if (source === undefined) {
    const mounted = await mountOfStore(options);
    if (mounted !== undefined) return mounted;
    const opened = await openStoreAt(async () => await sessionStore(options), undefined, options);
    return options.storeSpecification === undefined ? opened : { ...opened, lacksStore: isAbsent(opened.store) };
  }
  if (source === '') throw new VtError('EOPEN', 'open "": the source is empty');
  if (
    source.startsWith(URI_SCHEME) ||
    skipReference(source, 0) === source.length ||
    (LIKE_REFERENCE.test(source) && !exists(source, options))
  )
    return await openReference(octetsToText(source), options);
  const text = octetsToTextStrict(source);
  if (text === 'default' || (text !== undefined && /^(?:default@|[a-z][a-z0-9+-]*:|[[!])/i.test(text) && !exists(source, options))) {
    return await openSpecification(text, options);
  }
  const mounted = await openMounted(resolveLocalPath(options.localCwd, source), options);
  if (mounted !== undefined) return mounted;
  const place = placeOf(source, options);
  return place === undefined ? await openBookmarked(source, options) : await openPath(place, options);
}

/** Opens a source that is no local path: it may be the name of a bookmark. */
async function openBookmarked(source: Octets, options: SourceOptions): Promise<OpenedSource> {
  if (options.isBookmark !== true) {
    const { bookmarkNamed, openBookmark } = await import('./bookmarks.ts');
    const bookmark = bookmarkNamed(source, options.places);
    if (bookmark !== undefined)
      return await openBookmark(bookmark, async () => await openAny(bookmark.source, { ...options, isBookmark: true }), options);
  }
  throw new VtError('EOPEN', `open "${octetsToText(source)}": no such file, directory, Store or reference`);
}

/** The live tree of the mount that `-S` names; undefined if it names a Store. */
async function mountOfStore(options: SourceOptions): Promise<OpenedSource | undefined> {
  if (options.storeSpecification === undefined) return undefined;
  const specification = parseStoreSpecification(options.storeSpecification);
  if (specification.kind !== 'form' || specification.type !== 'datadir') return undefined;
  const path = expandHome(textParameter(specification.parameters, 'path') ?? '', options.places.home);
  return isDatadir(path) ? undefined : await openMounted(resolveLocalPath(options.localCwd, octetsFromText(path)), options);
}

/** Makes the local path in a source absolute; other sources stay as they are. */
export function absoluteSource(source: Octets, localCwd: Octets): Octets {
  const at = source.lastIndexOf('@');
  const paths = [source, ...(at > 0 ? [source.slice(0, at) as Octets] : [])].map((path) => resolveLocalPath(localCwd, path));
  const path = paths.find((each) => existsSync(octetsToBytes(each)));
  return path === undefined || source.startsWith(URI_SCHEME) ? source : path === paths[0] ? path : (`${path}${source.slice(at)}` as Octets);
}
