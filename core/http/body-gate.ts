import type { IncomingMessage } from 'node:http';
import { VtError } from '../base/errors.ts';
import { RequestGate } from '../wire/request-gate.ts';
import { readBody } from './request-body.ts';

/** Bodies read at a time, and their bytes together. */
const ALL = { count: 64, size: 64 * 1024 * 1024 };
/** The same for one client, so that its slow bodies leave room for others. */
const EACH = { count: 16, size: 24 * 1024 * 1024 };
/** A client that sends fewer bytes than this in this time, while others wait for memory, is cut off. */
const STALLED = { size: 64 * 1024, ms: 5000 };

/** The bodies that one client is sending. */
export class BodyShare {
  readonly gate = new RequestGate(EACH.count, EACH.size);
}

/** Reads the bodies of requests, limited by memory. */
export class BodyGate {
  readonly #gate = new RequestGate(ALL.count, ALL.size);

  /**
   * Reads the body of a request and processes it.
   *
   * @param share - of the client that sends it
   * @returns undefined if it is longer than `maxSize`
   * @throws {VtError} ECANCELLED if it came too slowly while others waited, or the signal was aborted; errors of `work`
   */
  async take<Result>(
    request: IncomingMessage,
    { share, maxSize, signal }: { readonly share: BodyShare; readonly maxSize: number; readonly signal: AbortSignal },
    work: (body: Buffer) => Promise<Result>,
  ): Promise<Result | undefined> {
    const size = Number(request.headers['content-length'] ?? maxSize);
    if (size > maxSize) return undefined;
    await enter(share.gate, size, signal);
    try {
      await enter(this.#gate, size, signal);
      try {
        const body = await this.#read(request, share, maxSize);
        return body && (await work(body));
      } finally {
        this.#gate.leave(size);
      }
    } finally {
      share.gate.leave(size);
    }
  }

  async #read(request: IncomingMessage, share: BodyShare, maxSize: number): Promise<Buffer | undefined> {
    let lastSize = 0;
    let isStalled = false;
    let size = 0;
    const timer = setInterval(() => {
      isStalled = size - lastSize < STALLED.size && (this.#gate.isWaitedFor || share.gate.isWaitedFor);
      lastSize = size;
      if (isStalled) request.destroy();
    }, STALLED.ms);
    try {
      return await readBody(request, maxSize, (more) => {
        size += more;
      });
    } catch (error) {
      if (isStalled) throw new VtError('ECANCELLED', 'the body came too slowly, while others waited', { cause: error });
      throw error;
    } finally {
      clearInterval(timer);
    }
  }
}

async function enter(gate: RequestGate, size: number, signal: AbortSignal): Promise<void> {
  if (!gate.tryEnter(size)) await gate.enter(size, signal);
}
