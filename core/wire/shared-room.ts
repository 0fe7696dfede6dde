import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { OWN_ROOM_SIZE, SHARED_ROOM_SIZE, STALLED_MS, STALLED_SIZE } from './limits.ts';

interface Waiting {
  readonly share: RoomShare;
  readonly size: number;
  readonly sinceMs: number;
  readonly enter: () => void;
}

/** Milliseconds between two checks for stalled clients that hold memory which others wait for. */
const LOOK_MS = 500;

/**
 * Limits the memory for packets from and to the clients of a server. Each client has some of its own, so that one with small
 * requests never waits. The rest is shared in the order of requests; stalled clients that hold too much of it are disconnected.
 */
export class SharedRoom {
  readonly #size: number;
  readonly #shares = new Set<RoomShare>();
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #look: NodeJS.Timeout | undefined;

  /** @param size - octets that are shared, besides each client's own */
  constructor(size: number = SHARED_ROOM_SIZE) {
    this.#size = size;
  }

  /** Makes the share of one client. @param onStalled - called if it holds memory that others wait for, and is stalled */
  share(onStalled: () => void): RoomShare {
    const share = new RoomShare(this, onStalled);
    this.#shares.add(share);
    return share;
  }

  /** Takes shared octets. @returns whether there were enough */
  tryTake(size: number): boolean {
    // A request that exceeds the whole is admitted when nothing else is.
    if (this.#waiting.length > 0 || (this.#taken > 0 && this.#taken + size > this.#size)) return false;
    this.#taken += size;
    return true;
  }

  /** Waits for shared octets. @throws {VtError} ECANCELLED if the signal fires */
  async take(share: RoomShare, size: number, signal: AbortSignal | undefined): Promise<void> {
    throwIfCancelled(signal);
    if (this.tryTake(size)) return;
    this.#look ??= setInterval(() => this.#cutStalled(), LOOK_MS).unref();
    await new Promise<void>((resolve, reject) => {
      const waiting: Waiting = {
        share,
        size,
        sinceMs: performance.now(),
        enter: () => {
          release();
          resolve();
        },
      };
      const release = onAbort(signal, () => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
      });
      this.#waiting.push(waiting);
    });
  }

  /** Gives shared octets back. */
  give(size: number): void {
    this.#taken -= size;
    for (
      let next = this.#waiting[0];
      next !== undefined && (this.#taken === 0 || this.#taken + next.size <= this.#size);
      next = this.#waiting[0]
    ) {
      this.#waiting.shift();
      this.#taken += next.size;
      next.enter();
    }
    if (this.#waiting.length > 0 || this.#look === undefined) return;
    clearInterval(this.#look);
    this.#look = undefined;
  }

  /** Removes the share of a client that has disconnected. */
  leave(share: RoomShare): void {
    this.#shares.delete(share);
  }

  /** A client waits: of the stalled clients, the one that holds most is disconnected. */
  #cutStalled(): void {
    const [first] = this.#waiting;
    const now = performance.now();
    if (first === undefined || now - first.sinceMs < 2 * LOOK_MS) return;
    let worst: RoomShare | undefined;
    for (const share of this.#shares)
      if (share.shared > 0 && now - share.movedMs > STALLED_MS && share.shared > (worst?.shared ?? 0)) worst = share;
    worst?.cutOff();
  }
}

/** The memory that one client holds. */
export class RoomShare {
  readonly #room: SharedRoom;
  readonly #onStalled: () => void;
  /** Octets held of its own part. */
  #own = 0;
  /** Octets held of the shared part. */
  shared = 0;
  /** When it last made progress. */
  movedMs = performance.now();
  #moved = 0;
  #isClosed = false;

  constructor(room: SharedRoom, onStalled: () => void) {
    this.#room = room;
    this.#onStalled = onStalled;
  }

  /** Takes octets if there are enough. @returns the function that gives them back, or undefined */
  tryTake(size: number): (() => void) | undefined {
    if (this.#own + size <= OWN_ROOM_SIZE) {
      this.#own += size;
      return this.#giver(size, false);
    }
    if (!this.#room.tryTake(size)) return undefined;
    return this.#takenShared(size);
  }

  /** Waits for octets. @returns the function that gives them back. @throws {VtError} ECANCELLED if the signal fires */
  async take(size: number, signal?: AbortSignal): Promise<() => void> {
    const now = this.tryTake(size);
    if (now !== undefined) return now;
    await this.#room.take(this, size, signal);
    return this.#takenShared(size);
  }

  #takenShared(size: number): () => void {
    this.shared += size;
    this.movedMs = performance.now();
    const give = this.#giver(size, true);
    if (this.#isClosed) give();
    return give;
  }

  #giver(size: number, isShared: boolean): () => void {
    let isGiven = false;
    return () => {
      if (isGiven) return;
      isGiven = true;
      this.movedMs = performance.now();
      if (!isShared) this.#own -= size;
      else if (this.shared >= size) {
        this.shared -= size;
        this.#room.give(size);
      }
    };
  }

  /** Reports progress: this many octets were received or sent. */
  moved(size: number): void {
    this.#moved += size;
    if (this.#moved < STALLED_SIZE) return;
    this.#moved = 0;
    this.movedMs = performance.now();
  }

  /** Disconnects the client. */
  cutOff(): void {
    this.#onStalled();
  }

  /** Gives everything back: the client has disconnected. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { shared } = this;
    this.shared = 0;
    if (shared > 0) this.#room.give(shared);
    this.#room.leave(this);
  }
}
