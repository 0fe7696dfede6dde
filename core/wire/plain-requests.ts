import { encodeBsuint } from '../base/bsuint.ts';
import { ByteWriter } from '../base/byte-writer.ts';
import { MissingBlockError, ReadOnlyError, throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { Block, HashBlock } from '../block/block.ts';
import { UNKNOWN_SPAN } from '../block/block.ts';
import { digestKey, digestOfKey } from '../block/digest-key.ts';
import { hashByName } from '../block/hash.ts';
import type { HashCode } from '../block/hashcode.ts';
import { writeHashcode } from '../block/hashcode.ts';
import { readSuperblock } from '../block/tree-walk.ts';
import type { Enumeration } from '../store/capabilities.ts';
import { capability } from '../store/capability.ts';
import type { Store } from '../store/store.ts';
import type { TurnOptions } from './fair-turns.ts';
import { MAX_PACKET_SIZE, MAX_WALKED } from './limits.ts';
import type { Packet } from './packet.ts';
import type { HashcodeRange } from './payload.ts';
import { decodeAdd, decodeOneHashcode, decodeRange, decodeText, decodeTextAnd, encodeHashcode } from './payload.ts';
import type { Reply } from './reply.ts';
import { REQUEST } from './requests.ts';

/** Archives of the Python vt: entries are opaque octets. */
export interface PlainArchives {
  /** The newest entry, or undefined. Rejects if there is no such archive. */
  last(name: string): Promise<Uint8Array | undefined>;
  append(name: string, entry: Uint8Array): Promise<void>;
  list(name: string): Promise<readonly Uint8Array[]>;
}

/** What the requests of the Python vt operate on. */
export interface PlainService {
  readonly store: Store;
  readonly isReadOnly: boolean;
  readonly archives?: PlainArchives | undefined;
}

/** Answers a request that the Python vt knows; resolves with undefined for any other. */
export async function answerPlain(packet: Packet, service: PlainService, options: TurnOptions): Promise<Reply | undefined> {
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
      return { isDone: true, payload: [(await listed(store, decodeRange(packet.flags, payload), options)).hashcodes] };
    case REQUEST.hashcodesHash:
      return await hashOfHashcodes(store, decodeRange(packet.flags, payload), options);
    case REQUEST.length: {
      let count = 0;
      for await (const _ of enumerated(store)(options)) {
        count++;
        await options.turn?.next();
      }
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
  if (rest.length > 0) throw new VtError('EPARSE', `read name of archive: ${rest.length} bytes too many: "${decodeText(rest)}"`);
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
  if (enumeration === undefined) throw new VtError('EUNSUPPORTED', `list Blocks of Store "${store.name}": it cannot list its Blocks`);
  return enumeration.hashcodes.bind(enumeration);
}

/** A sequence of encoded hashcodes. */
interface Listed {
  readonly hashcodes: Uint8Array;
  readonly count: number;
}

async function listed(store: Store, range: HashcodeRange, options: TurnOptions): Promise<Listed> {
  const { hashName, start, isAfter, length } = range;
  if (hashName !== store.hashName || (start !== undefined && start.hashName !== store.hashName))
    throw new VtError('EFAILED', `list Blocks of Store "${store.name}": its hash function is ${store.hashName}, not ${hashName}`);
  const after = start === undefined ? undefined : isAfter ? start.digest : before(start.digest);
  const most = Math.floor((MAX_PACKET_SIZE - 64) / (1 + hashByName(store.hashName).digestSize));
  const writer = new ByteWriter(4096);
  let count = 0;
  for await (const hashcode of enumerated(store)({ ...options, after })) {
    await options.turn?.next();
    if (after !== undefined && Buffer.compare(hashcode.digest, after) <= 0) continue;
    writeHashcode(writer, hashcode);
    if (++count === length) break;
    if (count > most) throw new VtError('EFAILED', `list Blocks of Store "${store.name}": there are more than ${most}; ask for parts`);
  }
  return { hashcodes: writer.take(), count };
}

/** The digest that precedes another in ascending order; undefined for the first. */
function before(digest: Uint8Array): Uint8Array | undefined {
  const out = Uint8Array.from(digest);
  for (let i = out.length - 1; i >= 0; i--) {
    const octet = out[i] as number;
    out[i] = octet === 0 ? 0xff : octet - 1;
    if (octet !== 0) return out;
  }
  return undefined;
}

/** The hash of the digests' hash, and the last digest, as in the Python vt. */
async function hashOfHashcodes(store: Store, range: HashcodeRange, options: TurnOptions): Promise<Reply> {
  if (range.length === 0) throw new VtError('EFAILED', 'hash hashcodes: expected their number');
  const { hashName } = store;
  const hash = hashByName(hashName);
  const { hashcodes, count } = await listed(store, range, options);
  const size = count === 0 ? 0 : hashcodes.length / count;
  const digests = Buffer.alloc(count * hash.digestSize);
  for (let i = 0; i < count; i++) digests.set(hashcodes.subarray((i + 1) * size - hash.digestSize, (i + 1) * size), i * hash.digestSize);
  const digest = hash.digest(hash.digest(digests));
  return {
    isDone: true,
    payload: [encodeHashcode({ hashName, digest }), ...(count === 0 ? [] : [hashcodes.subarray((count - 1) * size)])],
  };
}

/**
 * Whether the Store has a superblock and all Blocks below it. Each is checked once. With more than {@link MAX_WALKED} superblocks the
 * answer is no: the client then asks for parts, or adds its Blocks.
 *
 * @throws {CorruptBlockError} if a Block is no valid superblock
 */
async function isComplete(store: Store, top: HashCode, options: TurnOptions): Promise<boolean> {
  const { hashName } = store;
  const seen = new Set([digestKey(top.digest)]);
  // The iteration of a Set includes items that are added meanwhile.
  for (const key of seen) {
    await options.turn?.next();
    throwIfCancelled(options.signal);
    if (seen.size > MAX_WALKED) return false;
    const refs: HashBlock = { kind: 'hash', span: UNKNOWN_SPAN, hashcode: { hashName, digest: digestOfKey(key) } };
    const leaves: HashCode[] = [];
    try {
      for (const child of await readSuperblock(store, { kind: 'indirect', span: UNKNOWN_SPAN, refs }, options.signal)) {
        const { hashcode, isSuperblock } = hashedPartOf(child);
        if (hashcode === undefined) continue;
        if (!isSuperblock) leaves.push(hashcode);
        else if (hashcode.hashName === hashName) seen.add(digestKey(hashcode.digest));
        else return false;
      }
    } catch (error) {
      if (error instanceof MissingBlockError) return false;
      throw error;
    }
    if ((await store.has(leaves, options)).includes(false)) return false;
  }
  return true;
}

/** The outermost stored Block of a reference. */
function hashedPartOf(reference: Block): { readonly hashcode: HashCode | undefined; readonly isSuperblock: boolean } {
  let block = reference;
  while (block.kind === 'sub') block = block.base;
  const isSuperblock = block.kind === 'indirect';
  const hashed = block.kind === 'indirect' ? block.refs : block;
  return { hashcode: hashed.kind === 'hash' ? hashed.hashcode : undefined, isSuperblock };
}
