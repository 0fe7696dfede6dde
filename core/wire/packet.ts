import { bsuintSize, decodeBsuint, writeBsuint } from '../base/bsuint.ts';
import type { BufferPool } from '../base/buffer-pool.ts';
import { ParseError } from '../base/errors.ts';
import { SMALL_PACKET_SIZE } from './limits.ts';

/** Bits of a packet's first flags; the bits above them belong to the request or response. */
const FLAG_CHANNEL = 0x01;
const FLAG_REQUEST = 0x02;
const APPLICATION_SHIFT = 4; // two bits, as a factor

/** Minimum octets of a packet: a tag and its flags. */
const MIN_PACKET_SIZE = 2;

/** Initial size of a packet's buffer in octets, at most, unless memory was reserved for the packet. */
const USUAL_SIZE = 2 * 1024 * 1024;

/** One message of the packet protocol. @see vt(7), "PACKET PROTOCOL" */
export interface Packet {
  /** Identifies a request within its channel; its response has the same tag. */
  readonly tag: number;
  readonly channel: number;
  /** The number of the request; undefined in a response. */
  readonly request: number | undefined;
  /** Flags of the request or response. */
  readonly flags: number;
  /** A view of the buffer that the packet was decoded from. */
  readonly payload: Uint8Array;
  /** Releases the payload's memory for other packets. Call it once the payload is no longer read. */
  readonly release?: (() => void) | undefined;
  /** Gives back the memory reserved for the packet; called once it has been handled. */
  readonly giveRoom?: (() => void) | undefined;
}

/** Reserves memory for a packet, in octets. Returns the function that gives it back, or undefined if there is none now. */
export type TakeRoom = (size: number) => (() => void) | undefined;

/** Encodes a packet's head: its length, and everything before the payload. */
export function encodeHead(packet: Omit<Packet, 'payload' | 'release' | 'giveRoom'>, payloadSize: number): Buffer {
  const { tag, channel, request, flags } = packet;
  const allFlags = flags * APPLICATION_SHIFT + (channel === 0 ? 0 : FLAG_CHANNEL) + (request === undefined ? 0 : FLAG_REQUEST);
  const inner =
    bsuintSize(tag) + bsuintSize(allFlags) + (channel === 0 ? 0 : bsuintSize(channel)) + (request === undefined ? 0 : bsuintSize(request));
  const out = Buffer.allocUnsafe(bsuintSize(inner + payloadSize) + inner);
  let at = writeBsuint(out, 0, inner + payloadSize);
  at = writeBsuint(out, at, tag);
  at = writeBsuint(out, at, allFlags);
  if (channel !== 0) at = writeBsuint(out, at, channel);
  if (request !== undefined) writeBsuint(out, at, request);
  return out;
}

/** Encodes a packet with its length into a new buffer. */
export function encodePacket(packet: Packet): Buffer {
  return Buffer.concat([encodeHead(packet, packet.payload.length), packet.payload]);
}

/**
 * Decodes a packet without its length.
 *
 * @throws {ParseError} if the octets end within the head
 */
export function decodePacket(body: Uint8Array): Packet {
  const tag = decodeBsuint(body, 0);
  const all = decodeBsuint(body, tag.next);
  let { next } = all;
  let channel = 0;
  let request: number | undefined;
  const bits = all.value % APPLICATION_SHIFT;
  if ((bits & FLAG_CHANNEL) !== 0) ({ value: channel, next } = decodeBsuint(body, next));
  if ((bits & FLAG_REQUEST) !== 0) ({ value: request, next } = decodeBsuint(body, next));
  const flags = Math.floor(all.value / APPLICATION_SHIFT);
  return { tag: tag.value, channel, request, flags, payload: body.subarray(next) };
}

/** Cuts a stream of octets into packets, however the stream is divided into chunks. */
export class PacketReader {
  /** Maximum octets of a packet, without its length. */
  maxSize: number;
  readonly #memory: BufferPool | undefined;
  /** The encoded length of the next packet, as far as received. */
  readonly #length = Buffer.alloc(16);
  #lengthSize = 0;
  /** Octets of the current chunk that belong to the length. */
  #lengthRead = 0;
  /** The incomplete packet. */
  #body: Buffer | undefined;
  /** Its final size in octets. The buffer grows with the octets received, so that a mere announcement takes no memory. */
  #size = 0;
  #done = 0;
  /** Size in octets of a packet that waits for memory. */
  #unplaced: number | undefined;
  /** Gives back the memory that was reserved for it meanwhile. */
  #placed: (() => void) | undefined;
  #giveRoom: (() => void) | undefined;
  /** Position of the current chunk in the stream, in octets, for messages. */
  #position = 0;

  /**
   * @param maxSize - maximum octets of a packet, without its length
   * @param memory - pool for the packets' buffers, which are returned to it when the packets are released
   */
  constructor(maxSize: number, memory?: BufferPool) {
    this.maxSize = maxSize;
    this.#memory = memory;
  }

  /** Whether a packet is incomplete. */
  get isWithin(): boolean {
    return this.#lengthSize > 0 || this.#unplaced !== undefined || this.#body !== undefined;
  }

  /** Size in octets of the packet that waits for memory; undefined if none does. */
  get unplaced(): number | undefined {
    return this.#unplaced;
  }

  /** Provides memory for the packet that waits for it. @param giveRoom - gives it back */
  place(giveRoom: () => void): void {
    this.#placed = giveRoom;
  }

  /**
   * Takes the next octets of the stream.
   *
   * @param onPacket - called with each packet that they complete
   * @param how.isReused - the chunk's memory will be overwritten; otherwise the payloads of packets within one chunk are views of it
   * @param how.takeRoom - called before a packet that is not small is read
   * @param how.isFull - called after each packet; true to stop
   * @returns octets taken: fewer than all if there was no memory, or `isFull` said so
   * @throws {ParseError} for a malformed or too large packet: the rest of the stream is unreadable
   */
  take(
    chunk: Buffer,
    onPacket: (packet: Packet) => void,
    how: { readonly isReused?: boolean; readonly takeRoom?: TakeRoom | undefined; readonly isFull?: () => boolean } = {},
  ): number {
    const { isReused = false, takeRoom, isFull } = how;
    let at = 0;
    while (at < chunk.length || this.#unplaced !== undefined) {
      if (this.#body !== undefined) {
        at = this.#fill(this.#body, chunk, at, onPacket);
      } else {
        const size = this.#unplaced ?? this.#readLength(chunk, at);
        if (this.#unplaced === undefined) at += this.#lengthRead;
        if (size === undefined) continue;
        this.#unplaced = undefined;
        if (takeRoom !== undefined && size > SMALL_PACKET_SIZE) {
          this.#giveRoom = this.#placed ?? takeRoom(size);
          this.#placed = undefined;
          if (this.#giveRoom === undefined) {
            this.#unplaced = size;
            break;
          }
        }
        if (chunk.length - at >= size) {
          const body = chunk.subarray(at, at + size);
          at += size;
          this.#give(decodePacket(isReused ? Buffer.from(body) : body), onPacket);
        } else {
          // If memory was reserved, there is no point in growing the buffer; pages that are never written take no memory.
          this.#body = this.#newBody(takeRoom === undefined ? Math.min(size, USUAL_SIZE) : size);
          this.#size = size;
          this.#done = 0;
          continue;
        }
      }
      if (this.#body === undefined && isFull?.() === true) break;
    }
    this.#position += at;
    return at;
  }

  /** Reads a length, or as much of it as has been received; undefined if it is incomplete. */
  #readLength(chunk: Buffer, from: number): number | undefined {
    let at = from;
    while (at < chunk.length) {
      const octet = chunk[at++] as number;
      this.#length[this.#lengthSize++] = octet;
      this.#lengthRead = at - from;
      if (octet >= 0x80) {
        if (this.#lengthSize >= this.#length.length) throw this.#error('the length of a packet does not end', at);
        continue;
      }
      const size = this.#sizeOfPacket(at);
      this.#lengthSize = 0;
      return size;
    }
    return undefined;
  }

  #fill(begun: Buffer, chunk: Buffer, at: number, onPacket: (packet: Packet) => void): number {
    const wanted = Math.min(chunk.length - at, this.#size - this.#done);
    const body = this.#grown(begun, this.#done + wanted);
    chunk.copy(body, this.#done, at, at + wanted);
    this.#done += wanted;
    if (this.#done === this.#size) {
      this.#body = undefined;
      const packet = decodePacket(body.subarray(0, this.#size));
      this.#give(this.#memory === undefined ? packet : { ...packet, release: () => this.#memory?.give(body) }, onPacket);
    }
    return at + wanted;
  }

  #give(packet: Packet, onPacket: (packet: Packet) => void): void {
    const giveRoom = this.#giveRoom;
    this.#giveRoom = undefined;
    onPacket(giveRoom === undefined ? packet : { ...packet, giveRoom });
  }

  #newBody(size: number): Buffer {
    return this.#memory === undefined ? Buffer.allocUnsafeSlow(size) : this.#memory.take(size);
  }

  #grown(body: Buffer, needed: number): Buffer {
    if (needed <= body.length) return body;
    const grown = Buffer.allocUnsafeSlow(Math.min(this.#size, Math.max(needed, 2 * body.length)));
    body.copy(grown, 0, 0, this.#done);
    this.#body = grown;
    return grown;
  }

  #sizeOfPacket(at: number): number {
    const size = decodeBsuint(this.#length.subarray(0, this.#lengthSize), 0).value;
    if (size < MIN_PACKET_SIZE) throw this.#error(`a packet of ${size} bytes`, at);
    if (size > this.maxSize) throw this.#error(`a packet of ${size} bytes, where ${this.maxSize} are allowed`, at);
    return size;
  }

  #error(what: string, at: number): ParseError {
    return new ParseError(`read packets: ${what}`, this.#position + at);
  }
}
