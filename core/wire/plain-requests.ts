import { encodeBsuint } from '../base/bsuint.ts';
import { ReadOnlyError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block } from '../block/block.ts';
import { decodeBlockref } from '../block/blockref.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { hashcodeLabel } from '../block/hashcode.ts';
import { MAX_TREE_DEPTH } from '../block/tree-walk.ts';
import type { Enumeration } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import type { Reply } from './connection.ts';
import { MAX_PACKET_SIZE } from './limits.ts';
import type { Packet } from './packet.ts';
import type { HashcodeRange } from './payload.ts';
import { decodeAdd, decodeOneHashcode, decodeRange, decodeText, decodeTextAnd, encodeHashcode } from './payload.ts';
import { REQUEST } from './requests.ts';

/** Archives as the Python vt keeps them: entries are octets that only who wrote them understands. */
export interface PlainArchives {
  /** The newest entry, or undefined. Rejects where there is no such archive. */
  last(name: string): Promise<Uint8Array | undefined>;
  append(name: string, entry: Uint8Array): Promise<void>;
  list(name: string): Promise<readonly Uint8Array[]>;
}

/** What the requests of the Python vt are answered from. */
export interface PlainService {
  readonly store: Store;
  readonly isReadOnly: boolean;
  readonly archives?: PlainArchives | undefined;
}

/** Answers a request that the Python vt knows; undefined for any other. */
export async function answerPlain(packet: Packet, service: PlainService, options: OpOptions): Promise<Reply | undefined> {
  const { store } = service;
  const { payload } = packet;
  switch (packet.request) {
    case REQUEST.add:
      return await add(payload, service, options);
    case REQUEST.get: {
      const data = await store.get(decodeOneHashcode(payload), options);
      return data === undefined ? { isDone: true } : { isDone: true, yes: true, payload: [data] };
    }
    case REQUEST.contains: {
      const [isThere = false] = await store.has([decodeOneHashcode(payload)], options);
      return { isDone: true, yes: isThere };
    }
    case REQUEST.flush:
      await store.flush(options);
      return { isDone: true };
    case REQUEST.hashcodes:
      return { isDone: true, payload: (await listed(store, decodeRange(packet.flags, payload), options)).map(encodeHashcode) };
    case REQUEST.hashcodesHash:
      return await hashOfHashcodes(store, decodeRange(packet.flags, payload), options);
    case REQUEST.length: {
      let count = 0;
      for await (const _ of enumerated(store)(options)) count++;
      return { isDone: true, payload: [encodeBsuint(count)] };
    }
    case REQUEST.containsIndirect:
      return { isDone: true, yes: await isComplete(store, decodeOneHashcode(payload), options) };
    case REQUEST.archiveLast: {
      const entry = await archivesOf(service).last(nameOf(payload));
      return entry === undefined ? { isDone: true } : { isDone: true, yes: true, payload: [entry] };
    }
    case REQUEST.archiveList:
      return { isDone: true, payload: await archivesOf(service).list(nameOf(payload)) };
    case REQUEST.archiveUpdate: {
      requireWrite(service);
      const { text, rest } = decodeTextAnd(payload);
      await archivesOf(service).append(text, rest.slice());
      return { isDone: true };
    }
    default:
      return undefined;
  }
}

function nameOf(payload: Uint8Array): string {
  const { text, rest } = decodeTextAnd(payload);
  if (rest.length > 0) throw new VtError('EPARSE', `read name of archive: ${rest.length} octets too many: "${decodeText(rest)}"`);
  return text;
}

function archivesOf({ archives, store }: PlainService): PlainArchives {
  if (archives === undefined) throw new VtError('EUNSUPPORTED', `Store "${store.name}" has no archives for the Python vt`);
  return archives;
}

function requireWrite({ isReadOnly, store }: PlainService): void {
  if (isReadOnly) throw new ReadOnlyError('add to', store.name);
}

async function add(payload: Uint8Array, service: PlainService, options: OpOptions): Promise<Reply> {
  requireWrite(service);
  const { store } = service;
  const { hashName, data } = decodeAdd(payload);
  if (hashName !== store.hashName)
    throw new VtError(
      'EFAILED',
      `add to Store "${store.name}": its hash function is ${store.hashName}, not ${hashName ?? 'an unknown one'}`,
    );
  const { hashcode } = await store.add(data, options);
  return { isDone: true, payload: [encodeHashcode(hashcode)] };
}

function enumerated(store: Store): Enumeration['hashcodes'] {
  const enumeration = capability(store, 'enumeration');
  if (enumeration === undefined) throw new VtError('EUNSUPPORTED', `list Blocks of Store "${store.name}": it cannot tell what it has`);
  return enumeration.hashcodes.bind(enumeration);
}

async function listed(store: Store, range: HashcodeRange, options: OpOptions): Promise<HashCode[]> {
  const { hashName, start, isAfter, length } = range;
  if (hashName !== store.hashName || (start !== undefined && start.hashName !== store.hashName))
    throw new VtError('EFAILED', `list Blocks of Store "${store.name}": its hash function is ${store.hashName}, not ${hashName}`);
  const after = start === undefined ? undefined : isAfter ? start.digest : before(start.digest);
  const most = Math.floor((MAX_PACKET_SIZE - 64) / (1 + hashByName(store.hashName).digestSize));
  const found: HashCode[] = [];
  for await (const hashcode of enumerated(store)({ ...options, after })) {
    if (after !== undefined && Buffer.compare(hashcode.digest, after) <= 0) continue;
    found.push(hashcode);
    if (found.length === length) break;
    if (found.length > most)
      throw new VtError('EFAILED', `list Blocks of Store "${store.name}": there are more than ${most}; ask for parts`);
  }
  return found;
}

/** The digest before another in order; undefined before the first. */
function before(digest: Uint8Array): Uint8Array | undefined {
  const out = Uint8Array.from(digest);
  for (let i = out.length - 1; i >= 0; i--) {
    const octet = out[i] as number;
    out[i] = octet === 0 ? 0xff : octet - 1;
    if (octet !== 0) return out;
  }
  return undefined;
}

/** The hash of the hash of the digests, and the last of them: as the Python vt does it. */
async function hashOfHashcodes(store: Store, range: HashcodeRange, options: OpOptions): Promise<Reply> {
  if (range.length === 0) throw new VtError('EFAILED', 'hash hashcodes: expected their number');
  const { hashName } = store;
  const hash = hashByName(hashName);
  const found = await listed(store, range, options);
  const digest = hash.digest(hash.digest(Buffer.concat(found.map((one) => one.digest))));
  const last = found.at(-1);
  return { isDone: true, payload: [encodeHashcode({ hashName, digest }), ...(last === undefined ? [] : [encodeHashcode(last)])] };
}

/** Whether a superblock is there and everything below it. */
async function isComplete(store: Store, top: HashCode, options: OpOptions): Promise<boolean> {
  let level: HashCode[] = [top];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MAX_TREE_DEPTH)
      throw new VtError('ECORRUPT', `look below ${hashcodeLabel(top)}: superblocks nest deeper than ${MAX_TREE_DEPTH}`);
    const below: HashCode[] = [];
    for (const hashcode of level) {
      const data = await store.get(hashcode, options);
      if (data === undefined) return false;
      const leaves: HashCode[] = [];
      for (let at = 0; at < data.length; ) {
        const { value, next } = decodeBlockref(data, at);
        for (let block: Block | undefined = value; block !== undefined; block = block.kind === 'sub' ? block.base : undefined) {
          if (block.kind === 'hash') leaves.push(block.hashcode);
          else if (block.kind === 'indirect' && block.refs.kind === 'hash') below.push(block.refs.hashcode);
        }
        at = next;
      }
      if ((await store.has(leaves, options)).includes(false)) return false;
    }
    level = below;
  }
  return true;
}
