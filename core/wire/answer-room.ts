import { SMALL_PACKET_SIZE } from './limits.ts';
import type { Packet } from './packet.ts';
import { partsOf, type Reply, type RequestHandler } from './reply.ts';
import type { RoomShare } from './shared-room.ts';

/** An answer, and the function that gives back its room. */
interface RoomyReply {
  readonly reply: Reply;
  readonly giveRoom: (() => void) | undefined;
}

/** Answers requests when there is memory for the responses. */
export class AnswerRoom {
  readonly #room: RoomShare;
  readonly #gone: AbortSignal;
  /** Octets of the last response to each kind of request, if it was large. */
  readonly #sizes = new Map<number, number>();

  /** @param gone - fires when the connection has ended */
  constructor(room: RoomShare, gone: AbortSignal) {
    this.#room = room;
    this.#gone = gone;
  }

  /**
   * Answers a request. The room is estimated from the last answer to the same kind of request. If the answer turns out to be
   * larger and there is no room, it is discarded, and made again once there is room.
   *
   * @returns undefined if the connection has ended meanwhile
   */
  async answer(packet: Packet, handler: RequestHandler): Promise<RoomyReply | undefined> {
    const request = packet.request ?? 0;
    let taken = 0;
    let giveRoom: (() => void) | undefined;
    const takeRoom = async (size: number): Promise<boolean> => {
      giveRoom?.();
      taken = size;
      giveRoom = await this.#room.take(size, this.#gone).catch(() => undefined);
      return giveRoom !== undefined;
    };
    const expected = this.#sizes.get(request) ?? 0;
    if (expected > 0 && !(await takeRoom(expected))) return undefined;
    let reply = await handler.answer(packet);
    for (;;) {
      const { size } = partsOf({ payload: reply.payload ?? [] });
      this.#sizes.set(request, size > SMALL_PACKET_SIZE ? size : 0);
      if (size <= Math.max(taken, SMALL_PACKET_SIZE)) return { reply, giveRoom };
      giveRoom?.();
      taken = size;
      giveRoom = this.#room.tryTake(size);
      if (giveRoom !== undefined) return { reply, giveRoom };
      reply.release?.();
      reply = { isDone: false };
      if (!(await takeRoom(size))) return undefined;
      reply = await handler.answer(packet);
    }
  }
}
