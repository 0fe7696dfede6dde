import { BufferPool } from '../base/buffer-pool.ts';
import { ConnectionLostError, throwIfCancelled } from '../base/errors.ts';
import { errorText } from '../base/system/system-error.ts';
import { AnswerRoom } from './answer-room.ts';
import { formatPacket } from './format-packet.ts';
import { Greeting } from './greeting.ts';
import { HangUpWatch } from './hang-up-watch.ts';
import {
  MAX_KEPT_PACKETS,
  MAX_OUTSTANDING,
  MAX_PACKET_SIZE,
  MAX_PINGS,
  MAX_SERVED_UNSENT_SIZE,
  MAX_UNSENT_SIZE,
  PACKET_MEMORY_SIZE,
} from './limits.ts';
import type { Link } from './links/link.ts';
import type { Packet } from './packet.ts';
import { PacketReader } from './packet.ts';
import { type PacketHead, PacketSender } from './packet-sender.ts';
import type { Json } from './payload.ts';
import { PendingRequests } from './pending-requests.ts';
import { type Response, readResponse } from './read-response.ts';
import { answerToNobody, partsOf, type Reply, type RequestHandler } from './reply.ts';
import { END_TAG, REQUEST, REQUEST_FLAG, RESPONSE_FLAG } from './requests.ts';
import type { RoomShare } from './shared-room.ts';
import { type SilenceLimits, SilenceWatch } from './silence-watch.ts';

/** Options of a connection. */
export interface ConnectionOptions extends SilenceLimits {
  /** Name of the other end, for messages. */
  readonly name: string;
  readonly handler?: RequestHandler;
  /** For a side without a handler: called with the name of a watched archive when an entry was recorded there. */
  readonly onNews?: ((archive: string) => void) | undefined;
  /** Called with a line for each packet: `> tag 2 …` for one sent, `< tag 2 …` for one received. */
  readonly trace?: ((line: string) => void) | undefined;
  readonly maxPacketSize?: number;
  /** Memory for large packets; default: a pool of its own. */
  readonly memory?: BufferPool | undefined;
  /** The memory limit for packets that are not small; without it there is no limit. */
  readonly room?: RoomShare | undefined;
}

/** Contents of a request. */
export interface RequestBody {
  readonly flags?: number;
  readonly json?: Json;
  /** Do not change these octets before the response has arrived. */
  readonly payload?: readonly Uint8Array[];
}

/** Either end of the packet protocol: sends and answers many requests at a time. @see vt(7), "PACKET PROTOCOL" */
export class Connection {
  readonly name: string;
  readonly #link: Link;
  readonly #options: ConnectionOptions;
  readonly #reader: PacketReader;
  readonly #asked = new PendingRequests();
  readonly #waiting: Packet[] = [];
  /** Octets received but not parsed yet: there is no room, or too many requests wait. */
  #unread: Buffer | undefined;
  #isWaitingForRoom = false;
  readonly #gone = new AbortController();
  readonly #sender: PacketSender;
  readonly #greeting: Greeting;
  readonly #silence: SilenceWatch;
  readonly #hangUp: HangUpWatch | undefined;
  readonly #answerRoom: AnswerRoom | undefined;
  /** Requests from the other side since its last response. */
  #pings = 0;
  #running = 0;
  #hasEnded = false;
  #theyEnded = false;
  /** The other side has announced that it sends nothing more. */
  #theySaidEnd = false;
  #lost: Error | undefined;
  #onClosed: (() => void) | undefined;
  /** Resolves when the connection has ended, in order or not. */
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
    this.#sender = new PacketSender(output);
    this.#greeting = new Greeting(options.name);
    this.#silence = new SilenceWatch({
      name: options.name,
      outstanding: () => this.outstanding,
      isBusy: () => this.#running >= this.#atOnce && output.writableLength === 0,
      isSending: () => output.writableLength > 0,
      ping: async () => void (await this.request(REQUEST.ping).catch(() => undefined)),
      fail: (error) => this.fail(error),
    });
    if (options.room !== undefined) this.#hangUp = new HangUpWatch(link, () => this.#running > 0 && this.#stopped());
    this.#answerRoom = options.room === undefined ? undefined : new AnswerRoom(options.room, this.#gone.signal);
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

  /** Whether the connection has ended, or is about to. */
  get isOver(): boolean {
    return this.#hasEnded || this.#theyEnded || this.#lost !== undefined;
  }

  /** Number of requests that wait for their responses. */
  get outstanding(): number {
    return this.#asked.count;
  }

  /** Changes the limit for received packets. @param size - octets at most, without the length field */
  limitPackets(size: number): void {
    this.#reader.maxSize = size;
  }

  /** Fails the connection when the other side is silent too long. The other side has to answer `ping`. */
  watch(): void {
    this.#silence.watch(this.#options);
  }

  /** As `watch`, for a side that does not know `ping`: fails after `silentMs` without an octet while a request is outstanding. */
  watchAnswers(silentMs: number): void {
    this.#silence.watchAnswers(silentMs);
  }

  get #atOnce(): number {
    return this.#options.handler?.atOnce ?? 1;
  }

  /**
   * Sends a request. Waits first while too many requests are outstanding. The payload is referred to, not copied.
   *
   * @throws {ConnectionLostError} if the connection ends before the response, {VtError} with the code that the other side sent
   */
  async request(request: number, body: RequestBody = {}, signal?: AbortSignal): Promise<Response> {
    const { json } = body;
    const { parts, size } = partsOf(body);
    throwIfCancelled(signal);
    const room = this.#asked.enter(size, signal);
    if (room !== undefined) await room;
    if (this.isOver) {
      this.#asked.leave(size);
      throw this.#lost ?? new ConnectionLostError(this.name, 'the connection has ended');
    }
    if (request !== REQUEST.ping) this.#silence.asks();
    const { tag, response } = this.#asked.add(request, size, signal);
    const flags = (body.flags ?? 0) | (json === undefined ? 0 : REQUEST_FLAG.json);
    this.#send({ tag, channel: 0, request, flags }, parts, size);
    return await response;
  }

  /** Ends the connection in order, after outstanding responses. Ends it at once if all requests were cancelled. Limit: 5 s. */
  async close(): Promise<void> {
    if (this.#asked.isAbandoned) this.fail(new Error('it was closed'));
    if (this.#lost === undefined && !this.#hasEnded) {
      this.#sayEnd();
      const timer = setTimeout(() => this.fail(new Error('it did not end in time')), 5000);
      await this.closed;
      clearTimeout(timer);
    }
    this.#finish();
  }

  /** Answers the requests that have arrived, then ends the connection. */
  drain(): void {
    this.#theyEnded = true;
    this.#endIfDone();
  }

  /** Ends the connection at once, and rejects the requests that wait for responses. */
  fail(error: unknown): void {
    if (this.#lost !== undefined) return;
    const lost = error instanceof ConnectionLostError ? error : new ConnectionLostError(this.name, errorText(error), { cause: error });
    this.#lost = lost;
    this.#waiting.length = 0;
    this.#unread = undefined;
    this.#finish();
    this.#asked.fail(lost);
  }

  #finish(): void {
    this.#silence.stop();
    this.#hangUp?.stop();
    this.#gone.abort();
    this.#link.destroy();
    this.#onClosed?.();
  }

  #take(chunk: Buffer, isReused: boolean): void {
    if (this.#lost !== undefined) return;
    this.#silence.heard();
    const text = this.#greeting.take(chunk);
    if (text !== undefined) {
      this.fail(text);
      return;
    }
    this.#options.room?.moved(chunk.length);
    // A chunk may arrive after the input was paused: one at most.
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
      // The connection has ended.
      return;
    }
    this.#readOn();
    this.#pump();
  }

  /** Parses the octets that were put off, if there is room now. */
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
      if (this.#options.handler === undefined && ++this.#pings > MAX_PINGS) throw new Error('it sends too many pings');
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
    const asked = this.#asked.requestOf(packet.tag);
    this.#trace('<', packet, asked);
    if (asked === undefined || packet.channel !== 0) throw new Error(`a response without a request: ${formatPacket(packet)}`);
    this.#greeting.end();
    this.#pings = 0;
    packet.giveRoom?.();
    this.#asked.answer(packet.tag, readResponse(packet, this.name));
    this.#endIfDone();
  }

  /** Answers waiting requests, within the limits. */
  #pump(): void {
    this.#silence.sent();
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
    // Slows down a client that sends requests faster than it reads the responses.
    if (this.#waiting.length > 0 || this.#unread !== undefined) input.pause();
    else if (input.isPaused()) input.resume();
  }

  async #answer(packet: Packet, handler: RequestHandler | undefined): Promise<void> {
    const { room } = this.#options;
    let giveRoom: (() => void) | undefined;
    let reply: Reply;
    if (handler === undefined) reply = answerToNobody(packet, this.#options.onNews);
    else if (this.#answerRoom === undefined) reply = await handler.answer(packet);
    else {
      const answered = await this.#answerRoom.answer(packet, handler);
      if (answered === undefined) return;
      ({ reply, giveRoom } = answered);
    }
    if (this.#lost !== undefined || this.#hasEnded) {
      giveRoom?.();
      return;
    }
    const { json, release } = reply;
    const { parts, size } = partsOf(reply);
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

  #send(
    head: PacketHead,
    parts: readonly Uint8Array[],
    size: number,
    { answered, release }: { readonly answered?: number | undefined; readonly release?: (() => void) | undefined } = {},
  ): void {
    if (this.#options.trace !== undefined) this.#trace('>', { ...head, payload: Buffer.concat(parts) }, answered);
    this.#sender.send(head, parts, size, release);
  }

  #trace(sign: '<' | '>', packet: Packet, answered?: number): void {
    this.#options.trace?.(`${sign} ${formatPacket(packet, answered)}`);
  }

  /** The input has ended. A server stops its work for a client that ended without saying so. */
  #stopped(): void {
    if (this.#options.room !== undefined && !this.#theySaidEnd && this.#running + this.#waiting.length > 0)
      this.fail(new Error('the connection ended'));
    else this.#ended();
  }

  /** The other side sends no more requests. */
  #ended(): void {
    if (this.#lost !== undefined) return;
    this.#theyEnded = true;
    if (this.#asked.count === 0) this.#endIfDone();
    else this.#broken(new Error('the connection ended'));
  }

  /** The connection ended too early; the link may know why. */
  #broken(error: Error): void {
    this.#theyEnded = true;
    if (this.#link.reason === undefined) this.fail(error);
    else void this.#link.reason().then((reason) => this.fail(reason === undefined ? error : new Error(reason, { cause: error })));
  }

  #endIfDone(): void {
    if (!this.#theyEnded || this.#running > 0 || this.#waiting.length > 0 || this.#unread !== undefined || this.#asked.count > 0) return;
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
