import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { Archive, ArchiveEntry } from '../archive/archive.ts';
import type { ArchiveLine } from '../archive/archive-line.ts';
import { formatArchiveLine, parseArchiveLine } from '../archive/archive-line.ts';
import { CorruptBlockError, VtError } from '../base/errors.ts';
import { TextReader } from '../base/text-reader.ts';
import { hashByName, MAX_STORED_SIZE } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { formatDirent, readDirent } from '../dirent/dirent-text.ts';
import { RightError } from '../rights/right-error.ts';
import { wholeTreeFault } from '../rights/served-users.ts';
import { countRecords } from '../store/records/check-records.ts';
import type { RecordChecker } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import { appendEntry, requireUsable } from '../wire/entry-requests.ts';
import { decodeBits } from '../wire/payload.ts';
import { answerAddRecords } from '../wire/record-requests.ts';
import { BodyGate, type BodyShare } from './body-gate.ts';
import type { Route } from './routes.ts';
import { lastEtag } from './store-text.ts';

/** Bytes of a body with Blocks, at most: one of the largest Blocks and its record header. */
const MAX_BODY_SIZE = MAX_STORED_SIZE + 1024;
/** Bytes of a body with a state, at most. */
const MAX_STATE_SIZE = 1024 * 1024;

/** The answer to a request that writes: a status, and the reason or result. */
export interface WriteAnswer {
  readonly status: number;
  /** One line. */
  readonly text?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The target of a write. */
export interface WrittenStore {
  /** It checks rights itself. */
  readonly store: Store;
  readonly archive: (name: string) => Archive;
  readonly checker: RecordChecker;
  /** The share of the clients with these rights. */
  readonly share: BodyShare;
  /** Names this process. */
  readonly instance: string;
  readonly now: () => Date;
}

/** Adds Blocks and states over HTTP; nothing is changed or removed. @see vt(7), "HTTP" */
export class WebWrites {
  readonly #gate = new BodyGate();

  /** Answers a PUT or POST whose sender may write. @throws errors of reading the body, or of writing */
  async answer(route: Route | undefined, request: IncomingMessage, target: WrittenStore, signal: AbortSignal): Promise<WriteAnswer> {
    if (isOfAnotherSite(request.headers)) return { status: 403, text: 'a page of another site may not write here' };
    if (request.method === 'PUT' && route?.kind === 'block') return await this.#putBlock(route.hashcode, request, target, signal);
    if (request.method === 'POST' && route?.kind === 'new records') return await this.#addRecords(request, target, signal);
    if (request.method === 'POST' && route?.kind === 'store') {
      await target.store.flush({ signal });
      return { status: 200, text: JSON.stringify({ instance: target.instance }) };
    }
    if (request.method === 'POST' && route?.kind === 'archive' && route.names.length === 0 && route.state === undefined) {
      return await this.#withBody(
        request,
        target,
        MAX_STATE_SIZE,
        signal,
        async (body) => await postState(route.name, body.toString('latin1'), request.headers, target, signal),
      );
    }
    return { status: 405, text: 'PUT is for /h/, POST for /r/, /archive/NAME and /store' };
  }

  async #putBlock(hashcode: HashCode, request: IncomingMessage, target: WrittenStore, signal: AbortSignal): Promise<WriteAnswer> {
    const { store } = target;
    if (hashcode.hashName !== store.hashName) return { status: 409, text: `the hash function of the Store is ${store.hashName}` };
    return await this.#withBody(request, target, MAX_BODY_SIZE, signal, async (data) => {
      if (Buffer.compare(hashByName(hashcode.hashName).digest(data), hashcode.digest) !== 0) return WRONG_BYTES;
      const [isNew = false] = await store.addBatch([{ digest: hashcode.digest, data }], { signal });
      return { status: isNew ? 201 : 204 };
    });
  }

  /** Adds records in the format of data files. The answer has one digit per Block: 1 for a new one, else 0. */
  async #addRecords(request: IncomingMessage, target: WrittenStore, signal: AbortSignal): Promise<WriteAnswer> {
    const { store, checker } = target;
    return await this.#withBody(request, target, MAX_BODY_SIZE, signal, async (payload) => {
      const { payload: [bits = new Uint8Array(0)] = [] } = await answerAddRecords(
        store,
        checker,
        false,
        { payload },
        { signal, turn: undefined },
      );
      const count = countRecords(payload, hashByName(store.hashName));
      return { status: 200, text: [...decodeBits(bits, count)].join('') };
    });
  }

  async #withBody(
    request: IncomingMessage,
    { share }: WrittenStore,
    maxSize: number,
    signal: AbortSignal,
    work: (body: Buffer) => Promise<WriteAnswer>,
  ): Promise<WriteAnswer> {
    try {
      return (await this.#gate.take(request, { share, maxSize, signal }, work)) ?? TOO_LONG;
    } catch (error) {
      if (error instanceof CorruptBlockError) return WRONG_BYTES;
      throw error;
    }
  }
}

const WRONG_BYTES: WriteAnswer = { status: 400, text: 'the bytes are not those of the name' };
const TOO_LONG: WriteAnswer = { status: 413, text: 'the body is too long' };

/** Whether a browser reports that a page of another site sent the request: the browser would send the token along. */
function isOfAnotherSite({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (site !== undefined) return site !== 'same-origin' && site !== 'none';
  return origin !== undefined && origin.replace(/^https?:\/\//, '') !== host;
}

/**
 * Records a state: a Dirref, dated now, or a whole line. The client names the newest state that it knows, so that no other state is
 * overlooked.
 */
async function postState(
  name: string,
  text: string,
  headers: IncomingHttpHeaders,
  { store, archive: archiveOf, now }: WrittenStore,
  signal: AbortSignal,
): Promise<WriteAnswer> {
  const given = parseState(text.trim());
  const archive = archiveOf(name);
  const nowNs = BigInt(now().getTime()) * 1_000_000n;
  const dated = (last: ArchiveEntry | undefined): ArchiveLine =>
    'whenNs' in given ? given : { ...given, whenNs: last === undefined || last.whenNs < nowNs ? nowNs : last.whenNs + 1n };
  const last = await archive.last({ signal });
  // In a sealed Store all lines have the same root.
  const isSame =
    last !== undefined &&
    ('whenNs' in given ? formatArchiveLine(last) === formatArchiveLine(given) : formatDirent(last.dirent) === formatDirent(given.dirent));
  if (isSame) return recorded(200, last);
  const isSeen = seenBy(headers);
  if (isSeen === undefined && last !== undefined)
    return { status: 428, text: 'there are states already: say by If-Match which is the newest, as ?lines=last has it in its ETag' };
  const modes = { isReadOnly: false, isAppendOnly: true, rootFault: wholeTreeFault, store, nowNs };
  // Its Blocks must be durable before it is recorded.
  await store.flush({ signal });
  try {
    await requireUsable(name, dated(last), modes, { signal });
    const { appended } = await appendEntry({ name, archive }, modes, isSeen ?? ((newest) => newest === undefined), dated, { signal });
    return appended === undefined ? { status: 412, text: 'another state was recorded meanwhile' } : recorded(201, appended);
  } catch (error) {
    if (error instanceof VtError && error.code === 'EPERM' && !(error instanceof RightError)) return { status: 409, text: error.message };
    throw error;
  }
}

/** Parses a Dirref, or a line of `?lines` without its number. @throws {ParseError} for anything else */
function parseState(text: string): ArchiveLine | Pick<ArchiveLine, 'dirent'> {
  if (/^\d/.test(text)) {
    const line = parseArchiveLine(text);
    if (line !== undefined) return line;
  }
  const reader = new TextReader(text);
  const dirent = readDirent(reader);
  reader.end();
  return { dirent };
}

function recorded(status: 200 | 201, entry: ArchiveEntry): WriteAnswer {
  return { status, text: `${entry.number} ${formatArchiveLine(entry)}`, headers: { etag: lastEtag(entry) } };
}

/** A test whether the newest state is the one that the client knows; undefined if it names none. @see RFC 9110, 13.1 */
function seenBy({
  'if-match': match,
  'if-none-match': noneMatch,
}: IncomingHttpHeaders): ((last: ArchiveEntry | undefined) => boolean) | undefined {
  // The tag of a compressed answer ends in `-gzip`.
  const tags = (match ?? '').split(/, */).map((tag) => tag.replace(/-gzip"$/, '"'));
  if (match !== undefined) return (last) => last !== undefined && (match.trim() === '*' || tags.includes(lastEtag(last)));
  return noneMatch?.trim() === '*' ? (last) => last === undefined : undefined;
}
