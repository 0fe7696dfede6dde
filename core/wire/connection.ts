import type { Readable, Writable } from 'node:stream';
import { BufferPool } from '../base/buffer-pool.ts';
import { ConnectionLostError, SilentPeerError, throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { errorText } from '../base/system/system-error.ts';
import { formatPacket } from './format-packet.ts';
import {
  LOST_MS,
  MAX_KEPT_PACKETS,
  MAX_OUTSTANDING,
  MAX_OUTSTANDING_SIZE,
  MAX_PACKET_SIZE,
  MAX_PINGS,
  MAX_SERVED_UNSENT_SIZE,
  MAX_UNSENT_SIZE,
  PACKET_MEMORY_SIZE,
  QUIET_MS,
  SMALL_PACKET_SIZE,
} from './limits.ts';
import type { Packet } from './packet.ts';
import { encodeHead, PacketReader } from './packet.ts';
import type { Json } from './payload.ts';
import { encodeJson } from './payload.ts';
import { type Response, readResponse } from './read-response.ts';
import { RequestGate } from './request-gate.ts';
import { END_TAG, FIRST_TAG, REQUEST, REQUEST_FLAG, RESPONSE_FLAG } from './requests.ts';
import type { RoomShare } from './shared-room.ts';

/** Two streams of octets: a socket is both. */
export interface Link {
  readonly input: Readable;
  readonly output: Writable;
  /** Tells who takes the octets of the input, in place of its `data` events: in memory that is used for others as soon as they are taken. */
  readonly onReused?: ((take: (chunk: Buffer) => void) => void) | undefined;
  /** Ends both at once. */
  destroy(): void;
  /** Why the other side has ended, where more can be told of it: resolves soon after its end. */
  reason?(): Promise<string | undefined>;
}

/** What answers a request. */
export interface Reply {
  readonly isDone: boolean;
  /** The answer to a yes-or-no question. */
  readonly yes?: boolean;
  readonly json?: Json | undefined;
  /** Octets that are not changed any more. */
  readonly payload?: readonly Uint8Array[];
  /** Called once the payload has been sent. */
  readonly release?: (() => void) | undefined;
}

/** Answers the requests of the other side. */
export interface RequestHandler {
  /** Requests that are answered at a time. */
  readonly atOnce: number;
  /** Never rejects. */
  answer(packet: Packet): Promise<Reply>;
}

export interface ConnectionOptions {
  /** What is at the other end, for messages. */
  readonly name: string;
  readonly handler?: RequestHandler;
  /** Gets a line for each packet: `> tag 2 …` for those sent. */
  readonly trace?: ((line: string) => void) | undefined;
  readonly maxPacketSize?: number;
  /** Where large packets have their memory from; default: some of its own. */
  readonly memory?: BufferPool | undefined;
  /** Where what goes beyond small packets has room; without it there is always some. */
  readonly room?: RoomShare | undefined;
  /** How long the other side may be silent; default {@link QUIET_MS} and {@link LOST_MS}. */
  readonly quietMs?: number;
  readonly lostMs?: number;
  /** The same while something was asked; default: no difference. */
  readonly asked?: AskedSilence | undefined;
}

/** How long the other side may be silent while somebody waits for an answer, in milliseconds. */
export interface AskedSilence {
  readonly quietMs: number;
  readonly lostMs: number;
  /** After which `onSilent` is told, once for each silence. */
  readonly tellMs: number;
  readonly onSilent: (silentMs: number) => void;
}

/** What a request carries. */
export interface RequestBody {
  readonly flags?: number;
  readonly json?: Json;
  /** Octets that are not changed until the response has come. */
  readonly payload?: readonly Uint8Array[];
}

interface Pending {
  readonly request: number;
  readonly size: number;
  /** Undefined once nobody waits any more. */
  settle: ((result: Response | Error) => void) | undefined;
}

/** Octets kept of what came first. */
const MAX_GREETING = 256;

/** Either end of the packet protocol: asks, and answers, many requests at a time. @see vt(7), "PACKET PROTOCOL" */
export class Connection {
  readonly name: string;
  readonly #link: Link;
  readonly #options: ConnectionOptions;
  readonly #reader: PacketReader;
  readonly #pending = new Map<number, Pending>();
  readonly #gate = new RequestGate(MAX_OUTSTANDING, MAX_OUTSTANDING_SIZE);
  readonly #waiting: Packet[] = [];
  /** Octets that have come and are not read yet, for want of room, or because enough waits. */
  #unread: Buffer | undefined;
  #isWaitingForRoom = false;
  readonly #gone = new AbortController();
  /** Octets of the last answers to requests, where they were more than a few. */
  readonly #replySizes = new Map<number, number>();
  /** Asked by the other side since it last answered something. */
  #pings = 0;
  #running = 0;
  #nextTag = FIRST_TAG;
  #isCorked = false;
  #hasEnded = false;
  #theyEnded = false;
  /** They have said that nothing more comes. */
  #theySaidEnd = false;
  #lost: Error | undefined;
  #heardMs = performance.now();
  /** When it was asked something while nothing else was asked. */
  #askedMs = performance.now();
  /** Pings that were not answered yet. */
  #pinging = 0;
  /** The last silence that was told. */
  #toldOfMs: number | undefined;
  #sentMs = performance.now();
  #quiet: NodeJS.Timeout | undefined;
  #onClosed: (() => void) | undefined;
  /** What came first, until the first response shows that the other side speaks the protocol. */
  #greeting: Buffer | undefined = Buffer.alloc(0);
  /** Resolves when it has ended, however. */
  readonly closed: Promise<void>;

  constructor(link: Link, options: ConnectionOptions) {
    this.name = options.name;
    this.#link = link;
    this.#options = options;
    this.#reader = new PacketReader(
      options.maxPacketSize ?? MAX_PACKET_SIZE,
      options.memory ?? new BufferPool(PACKET_MEMORY_SIZE, MAX_KEPT_PACKETS),
    );
    this.closed = new Promise((resolve) => {
      this.#onClosed = resolve;
    });
    const { input, output } = link;
    if (link.onReused === undefined) input.on('data', (chunk: Buffer) => this.#take(chunk, false));
    else {
      link.onReused((chunk) => this.#take(chunk, true));
      input.resume();
    }
    input.once('end', () => this.#stopped());
    input.once('close', () => this.#stopped());
    input.on('error', (error) => this.#broken(error));
    output.on('error', (error) => this.#broken(error));
    output.on('drain', () => this.#pump());
  }

  /** Whether it has ended, or is about to. */
  get isOver(): boolean {
    return this.#hasEnded || this.#theyEnded || this.#lost !== undefined;
  }

  /** Requests that wait for their responses. */
  get outstanding(): number {
    return this.#pending.size;
  }

  /** Takes larger packets from now on, or smaller ones. @param size - octets at most, without the length */
  limitPackets(size: number): void {
    this.#reader.maxSize = size;
  }

  /** Watches whether the other side is still there; it has to answer `ping`. */
  watch(): void {
    const { quietMs: idleQuietMs = QUIET_MS, lostMs: idleLostMs = LOST_MS, asked } = this.#options;
    this.#quiet ??= setInterval(
      () => {
        const now = performance.now();
        const { quietMs, lostMs } = asked !== undefined && this.#isWaitedFor ? asked : { quietMs: idleQuietMs, lostMs: idleLostMs };
        // What is not read because too much is under way says nothing of the other side.
        if (this.#running >= this.#atOnce && this.#link.output.writableLength === 0) return;
        this.#tellSilence(now);
        if (now - Math.max(this.#heardMs, this.#link.output.writableLength === 0 ? this.#heardMs : this.#sentMs) > lostMs)
          this.fail(new Error(`nothing was heard for ${Math.round(lostMs / 1000)} s`));
        else if (now - this.#heardMs > quietMs && this.#pinging === 0) void this.#ping();
      },
      Math.min(idleQuietMs, asked?.quietMs ?? idleQuietMs) / 2,
    ).unref();
  }

  /** Whether somebody waits for an answer, other than that of a ping. */
  get #isWaitedFor(): boolean {
    return this.outstanding > this.#pinging;
  }

  async #ping(): Promise<void> {
    this.#pinging++;
    await this.request(REQUEST.ping).catch(() => undefined);
    this.#pinging--;
  }

  /** Tells who waits, once for each silence. */
  #tellSilence(now: number): void {
    const { asked } = this.#options;
    // Since it was heard, or asked after it had been idle.
    const silentMs = now - Math.max(this.#heardMs, this.#askedMs);
    if (asked === undefined || !this.#isWaitedFor || silentMs < asked.tellMs || this.#toldOfMs === this.#heardMs) return;
    this.#toldOfMs = this.#heardMs;
    asked.onSilent(silentMs);
  }

  /** As `watch`, of a side that does not know `ping`: it is lost where it was asked something, and says nothing for so long. */
  watchAnswers(silentMs: number): void {
    this.#quiet ??= setInterval(() => {
      if (this.outstanding === 0 || performance.now() - Math.max(this.#heardMs, this.#sentMs) <= silentMs) return;
      this.fail(new SilentPeerError(this.name, `no answer within ${Math.round(silentMs / 1000)} s`));
    }, silentMs / 4).unref();
  }

  get #atOnce(): number {
    return this.#options.handler?.atOnce ?? 1;
  }

  /**
   * Asks. Waits first where too much is under way; what is sent is referred to, not copied.
   *
   * @throws {ConnectionLostError} where the connection ends before the response, {VtError} with the code that the other side tells
   */
  async request(request: number, body: RequestBody = {}, signal?: AbortSignal): Promise<Response> {
    const { json, payload = [] } = body;
    const parts = json === undefined ? payload : [encodeJson(json), ...payload];
    let size = 0;
    for (const part of parts) size += part.length;
    throwIfCancelled(signal);
    if (!this.#gate.tryEnter(size)) await this.#gate.enter(size, signal);
    if (this.isOver) {
      this.#gate.leave(size);
      throw this.#lost ?? new ConnectionLostError(this.name, 'the connection has ended');
    }
    const tag = this.#nextTag++;
    if (request !== REQUEST.ping && !this.#isWaitedFor) this.#askedMs = performance.now();
    return await new Promise<Response>((resolve, reject) => {
      const cancel = (): void => settle(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      const settle = (result: Response | Error): void => {
        release();
        pending.settle = undefined;
        if (result instanceof Error) reject(result);
        else resolve(result);
      };
      const pending: Pending = { request, size, settle };
      this.#pending.set(tag, pending);
      const release = onAbort(signal, cancel);
      const flags = (body.flags ?? 0) | (json === undefined ? 0 : REQUEST_FLAG.json);
      this.#send({ tag, channel: 0, request, flags }, parts, size);
    });
  }

  /** Ends it in order: what was asked is answered first, unless nobody waits for the answers any more, as when all was cancelled. */
  async close(): Promise<void> {
    const pending = [...this.#pending.values()];
    if (pending.length > 0 && pending.every(({ settle }) => settle === undefined)) this.fail(new Error('it was closed'));
    if (this.#lost === undefined && !this.#hasEnded) {
      this.#sayEnd();
      const timer = setTimeout(() => this.fail(new Error('it did not end in time')), 5000);
      await this.closed;
      clearTimeout(timer);
    }
    this.#finish();
  }

  /** Stops answering: what is under way is answered, then it ends. */
  drain(): void {
    this.#theyEnded = true;
    this.#endIfDone();
  }

  /** Ends it at once: what waits for a response is rejected. */
  fail(error: unknown): void {
    if (this.#lost !== undefined) return;
    const lost = error instanceof ConnectionLostError ? error : new ConnectionLostError(this.name, errorText(error), { cause: error });
    this.#lost = lost;
    this.#waiting.length = 0;
    this.#unread = undefined;
    this.#finish();
    for (const { settle } of [...this.#pending.values()]) settle?.(lost);
    this.#pending.clear();
    this.#gate.fail(lost);
  }

  /**
   * Where a command printed text instead of speaking the protocol, as a shell that greets: the error that says so. No first
   * packet begins with six printable octets, since its second is a small tag.
   */
  #textBefore(): ConnectionLostError | undefined {
    const line = /^\s*([\t\x20-\x7e]{6,})/.exec(this.#greeting?.toString('latin1') ?? '')?.[1];
    if (line === undefined) return undefined;
    const shown = Buffer.from(line, 'latin1').toString('utf8').slice(0, 40).trim();
    return new ConnectionLostError(
      this.name,
      `the command printed text before the protocol began ("${shown}${line.length > 40 ? '…' : ''}")`,
      {
        remedy: 'the remote shell must print nothing',
      },
    );
  }

  #finish(): void {
    clearInterval(this.#quiet);
    this.#gone.abort();
    this.#link.destroy();
    this.#onClosed?.();
  }

  #take(chunk: Buffer, isReused: boolean): void {
    if (this.#lost !== undefined) return;
    this.#heardMs = performance.now();
    if (this.#greeting !== undefined && this.#greeting.length < MAX_GREETING) {
      this.#greeting = Buffer.concat([this.#greeting, chunk.subarray(0, MAX_GREETING)]);
      const text = this.#textBefore();
      if (text !== undefined) {
        this.fail(text);
        return;
      }
    }
    this.#options.room?.moved(chunk.length);
    // What comes although it was told to wait: of a chunk's size at most.
    if (this.#unread !== undefined) this.#unread = Buffer.concat([this.#unread, chunk]);
    else this.#read(chunk, isReused);
  }

  #read(chunk: Buffer, isReused: boolean): void {
    const { room } = this.#options;
    try {
      const taken = this.#reader.take(chunk, (packet) => this.#packet(packet), {
        isReused,
        takeRoom: room === undefined ? undefined : (size) => room.tryTake(size),
        isFull: () => this.#waiting.length >= MAX_OUTSTANDING,
      });
      if (this.#lost !== undefined || (taken === chunk.length && this.#reader.unplaced === undefined)) return;
      const rest = chunk.subarray(taken);
      this.#unread = isReused ? Buffer.from(rest) : rest;
      this.#link.input.pause();
      if (this.#reader.unplaced !== undefined) void this.#waitForRoom(this.#reader.unplaced);
    } catch (error) {
      this.fail(error);
    }
  }

  async #waitForRoom(size: number): Promise<void> {
    const { room } = this.#options;
    if (room === undefined || this.#isWaitingForRoom) return;
    this.#isWaitingForRoom = true;
    try {
      const giveRoom = await room.take(size, this.#gone.signal);
      this.#isWaitingForRoom = false;
      if (this.#lost !== undefined) giveRoom();
      else this.#reader.place(giveRoom);
    } catch {
      // It has gone.
      return;
    }
    this.#readOn();
    this.#pump();
  }

  /** Reads what has come, where there is room for it now. */
  #readOn(): void {
    const unread = this.#unread;
    if (unread === undefined || this.#isWaitingForRoom || this.#waiting.length >= MAX_OUTSTANDING) return;
    this.#unread = undefined;
    this.#read(unread, false);
  }

  #packet(packet: Packet): void {
    if (this.#lost !== undefined) return;
    if (packet.request === undefined) this.#response(packet);
    else {
      this.#trace('<', packet);
      if (this.#options.handler === undefined && ++this.#pings > MAX_PINGS) throw new Error('it asks without end');
      if (packet.request !== REQUEST.end) {
        this.#waiting.push(packet);
        this.#pump();
        return;
      }
      packet.giveRoom?.();
      if (packet.tag === END_TAG.stream) {
        this.#theySaidEnd = true;
        this.#ended();
      }
    }
  }

  #response(packet: Packet): void {
    const pending = this.#pending.get(packet.tag);
    this.#trace('<', packet, pending?.request);
    if (pending === undefined || packet.channel !== 0) throw new Error(`a response to nothing that was asked: ${formatPacket(packet)}`);
    this.#greeting = undefined;
    this.#pings = 0;
    packet.giveRoom?.();
    this.#pending.delete(packet.tag);
    this.#gate.leave(pending.size);
    pending.settle?.(readResponse(packet, this.name));
    this.#endIfDone();
  }

  /** Answers what waits, as far as there is room. */
  #pump(): void {
    this.#sentMs = performance.now();
    const { handler, room } = this.#options;
    const maxUnsent = room === undefined ? MAX_UNSENT_SIZE : MAX_SERVED_UNSENT_SIZE;
    const { input, output } = this.#link;
    while (this.#waiting.length > 0 && this.#running < this.#atOnce && output.writableLength <= maxUnsent && this.#lost === undefined) {
      const packet = this.#waiting.shift() as Packet;
      this.#running++;
      void this.#answer(packet, handler).finally(() => {
        packet.giveRoom?.();
        this.#running--;
        this.#pump();
        this.#endIfDone();
      });
    }
    this.#readOn();
    // Whoever asks faster than it takes the answers waits.
    if (this.#waiting.length > 0 || this.#unread !== undefined) input.pause();
    else if (input.isPaused()) input.resume();
  }

  async #answer(packet: Packet, handler: RequestHandler | undefined): Promise<void> {
    const { room } = this.#options;
    let giveRoom: (() => void) | undefined;
    let reply: Reply;
    if (handler === undefined) reply = answerToNobody(packet);
    else if (room === undefined) reply = await handler.answer(packet);
    else {
      const answered = await this.#answerWithRoom(packet, handler, room);
      if (answered === undefined) return;
      ({ reply, giveRoom } = answered);
    }
    if (this.#lost !== undefined) {
      giveRoom?.();
      return;
    }
    const { json, payload = [], release } = reply;
    const parts = json === undefined ? payload : [encodeJson(json), ...payload];
    let size = 0;
    for (const part of parts) size += part.length;
    const flags =
      (reply.isDone ? RESPONSE_FLAG.ok : 0) | (reply.yes === true ? RESPONSE_FLAG.yes : 0) | (json === undefined ? 0 : RESPONSE_FLAG.json);
    const sent = (): void => {
      release?.();
      room?.moved(size);
      giveRoom?.();
    };
    this.#send({ tag: packet.tag, channel: packet.channel, request: undefined, flags }, parts, size, {
      answered: packet.request,
      release: release === undefined && giveRoom === undefined ? undefined : sent,
    });
  }

  /**
   * Answers where there is room for the answer. What that takes is known only from the last of its kind: an answer for which there is none
   * is let go, and made anew once there is.
   *
   * @returns undefined where the other side has gone meanwhile
   */
  async #answerWithRoom(
    packet: Packet,
    handler: RequestHandler,
    room: RoomShare,
  ): Promise<{ readonly reply: Reply; readonly giveRoom: (() => void) | undefined } | undefined> {
    const request = packet.request ?? 0;
    let taken = 0;
    let giveRoom: (() => void) | undefined;
    const takeRoom = async (size: number): Promise<boolean> => {
      giveRoom?.();
      taken = size;
      giveRoom = await room.take(size, this.#gone.signal).catch(() => undefined);
      return giveRoom !== undefined;
    };
    const expected = this.#replySizes.get(request) ?? 0;
    if (expected > 0 && !(await takeRoom(expected))) return undefined;
    let reply = await handler.answer(packet);
    for (;;) {
      const size = sizeOfReply(reply);
      this.#replySizes.set(request, size > SMALL_PACKET_SIZE ? size : 0);
      if (size <= Math.max(taken, SMALL_PACKET_SIZE)) return { reply, giveRoom };
      giveRoom?.();
      taken = size;
      giveRoom = room.tryTake(size);
      if (giveRoom !== undefined) return { reply, giveRoom };
      reply.release?.();
      reply = { isDone: false };
      if (!(await takeRoom(size))) return undefined;
      reply = await handler.answer(packet);
    }
  }

  #send(
    head: Omit<Packet, 'payload' | 'release' | 'giveRoom'>,
    parts: readonly Uint8Array[],
    size: number,
    { answered, release }: { readonly answered?: number | undefined; readonly release?: (() => void) | undefined } = {},
  ): void {
    const { output } = this.#link;
    if (this.#options.trace !== undefined) this.#trace('>', { ...head, payload: Buffer.concat(parts) }, answered);
    // All packets of one turn of the event loop go out with one call.
    if (!this.#isCorked) {
      this.#isCorked = true;
      output.cork();
      queueMicrotask(() => {
        this.#isCorked = false;
        output.uncork();
      });
    }
    output.write(encodeHead(head, size));
    const last = parts.at(-1);
    for (const part of parts)
      if (part === last && release !== undefined) output.write(part, (error) => (error ? undefined : release()));
      else if (part.length > 0) output.write(part);
  }

  #trace(sign: '<' | '>', packet: Packet, answered?: number): void {
    this.#options.trace?.(`${sign} ${formatPacket(packet, answered)}`);
  }

  /** Nothing more comes. Who serves it works no more for a client that has gone without a word. */
  #stopped(): void {
    if (this.#options.room !== undefined && !this.#theySaidEnd && this.#running + this.#waiting.length > 0)
      this.fail(new Error('the connection ended'));
    else this.#ended();
  }

  /** The other side asks nothing more. */
  #ended(): void {
    if (this.#lost !== undefined) return;
    this.#theyEnded = true;
    if (this.#pending.size === 0) this.#endIfDone();
    else this.#broken(new Error('the connection ended'));
  }

  /** It ended too early: for what reason, the link may know. */
  #broken(error: Error): void {
    this.#theyEnded = true;
    if (this.#link.reason === undefined) this.fail(error);
    else void this.#link.reason().then((reason) => this.fail(reason === undefined ? error : new Error(reason, { cause: error })));
  }

  #endIfDone(): void {
    if (!this.#theyEnded || this.#running > 0 || this.#waiting.length > 0 || this.#unread !== undefined || this.#pending.size > 0) return;
    this.#sayEnd();
    if (this.#link.output.writableLength === 0 || this.#link.output.destroyed) this.#finish();
    else {
      this.#link.output.once('finish', () => this.#finish());
      this.#link.output.once('close', () => this.#finish());
    }
  }

  #sayEnd(): void {
    if (this.#hasEnded || this.#lost !== undefined) return;
    this.#hasEnded = true;
    const nothing = { channel: 0, request: REQUEST.end, flags: 0 };
    this.#send({ ...nothing, tag: END_TAG.requests }, [], 0);
    this.#send({ ...nothing, tag: END_TAG.stream }, [], 0);
    this.#link.output.end();
  }
}

function sizeOfReply({ payload = [] }: Reply): number {
  let size = 0;
  for (const part of payload) size += part.length;
  return size;
}

/** What a side that serves nothing answers. */
function answerToNobody({ request }: Packet): Reply {
  return request === REQUEST.ping ? { isDone: true } : { isDone: false, payload: [Buffer.from('nothing is served here')] };
}
