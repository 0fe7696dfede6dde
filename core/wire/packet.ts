import { bsuintSize, decodeBsuint, writeBsuint } from '../base/bsuint.ts';
import type { BufferPool } from '../base/buffer-pool.ts';
import { ParseError } from '../base/errors.ts';
import { SMALL_PACKET_SIZE } from './limits.ts';

/** Bits of a packet's first flags; what is above them belongs to the request or response. */
const FLAG_CHANNEL = 0x01;
const FLAG_REQUEST = 0x02;
const APPLICATION_SHIFT = 4; // two bits, as a factor

/** Least octets of a packet: a tag and its flags. */
const MIN_PACKET_SIZE = 2;

/** Octets of a packet for which there is room at once. */
const USUAL_SIZE = 2 * 1024 * 1024;

/** One message of the packet protocol. @see vt(7), "PACKET PROTOCOL" */
export interface Packet {
  /** A request's number among those of its channel; its response has the same. */
  readonly tag: number;
  readonly channel: number;
  /** The number of the request; undefined in a response. */
  readonly request: number | undefined;
  /** Flags of the request or response. */
  readonly flags: number;
  /** A view of what the packet was decoded from. */
  readonly payload: Uint8Array;
  /** Releases the payload's memory for other packets. Call it once nobody reads the payload any more. */
  readonly release?: (() => void) | undefined;
  /** Gives back the room that the packet takes, once it is dealt with. */
  readonly giveRoom?: (() => void) | undefined;
}

/** Room for a packet: taken at once, or not yet. */
export type TakeRoom = (size: number) => (() => void) | undefined;

/** The octets of a packet before its payload, its length among them. */
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

/** A packet in new bytes, its length in front. */
export function encodePacket(packet: Packet): Buffer {
  return Buffer.concat([encodeHead(packet, packet.payload.length), packet.payload]);
}

/**
 * Decodes a packet without its length.
 *
 * @throws {ParseError} if it ends within its head
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

/** Cuts a stream of octets into packets, however it is split. */
export class PacketReader {
  /** Octets of a packet at most, without its length. */
  maxSize: number;
  readonly #memory: BufferPool | undefined;
  /** Octets of a packet's length, of a packet that has not begun. */
  readonly #length = Buffer.alloc(16);
  #lengthSize = 0;
  /** Octets of the chunk at hand that the length took. */
  #lengthRead = 0;
  /** A packet that has begun. */
  #body: Buffer | undefined;
  /** Octets that it will have; the buffer grows as they come, so that an announcement alone takes no memory. */
  #size = 0;
  #done = 0;
  /** Octets of a packet that has yet to get room. */
  #unplaced: number | undefined;
  /** Room that was found for it meanwhile. */
  #placed: (() => void) | undefined;
  #giveRoom: (() => void) | undefined;
  /** Octets of the stream before what is read now, for messages. */
  #position = 0;

  /**
   * @param maxSize - octets of a packet at most, without its length
   * @param memory - where packets have their memory from, and where it goes back once they are released
   */
  constructor(maxSize: number, memory?: BufferPool) {
    this.maxSize = maxSize;
    this.#memory = memory;
  }

  /** Whether a packet has begun and not ended. */
  get isWithin(): boolean {
    return this.#lengthSize > 0 || this.#unplaced !== undefined || this.#body !== undefined;
  }

  /** Octets of the packet for which there was no room. */
  get unplaced(): number | undefined {
    return this.#unplaced;
  }

  /** There is room for the packet that had none. @param giveRoom - gives it back */
  place(giveRoom: () => void): void {
    this.#placed = giveRoom;
  }

  /**
   * Takes the next octets of the stream.
   *
   * @param onPacket - gets each packet that they complete
   * @param how.isReused - the chunk's memory is soon used for others; else payloads of packets that lie whole in it are views of it
   * @param how.takeRoom - asked before a packet that is not small is read
   * @param how.isFull - asked after each packet: no more are wanted now
   * @returns octets taken: all of them, or fewer where there was no room, or it was full
   * @throws {ParseError} for what is no packet, or too large a one: the stream cannot be read any further
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
          // Where room was taken for it nothing is gained by letting it grow, and memory that nobody writes to is none.
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

  /** Reads a length, or as much of it as there is. */
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
