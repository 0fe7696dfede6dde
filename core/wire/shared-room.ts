import { throwIfCancelled, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { OWN_ROOM_SIZE, SHARED_ROOM_SIZE, STALLED_MS, STALLED_SIZE } from './limits.ts';

interface Waiting {
  readonly share: RoomShare;
  readonly size: number;
  readonly sinceMs: number;
  readonly enter: () => void;
}

/** Milliseconds between two checks for clients that hold memory which others wait for. */
const LOOK_MS = 500;

/**
 * Memory for what clients send and are sent, which all clients of a server share. Each has some of its own, so that one who asks for
 * little waits for nobody. What goes beyond is taken in the order of asking, and from those who hold it and do not go on.
 */
export class SharedRoom {
  readonly #size: number;
  readonly #shares = new Set<RoomShare>();
  readonly #waiting: Waiting[] = [];
  #taken = 0;
  #look: NodeJS.Timeout | undefined;

  /** @param size - octets beyond what each has of its own */
  constructor(size: number = SHARED_ROOM_SIZE) {
    this.#size = size;
  }

  /** The share of one client. @param onStalled - called where it holds what others wait for, and does not go on */
  share(onStalled: () => void): RoomShare {
    const share = new RoomShare(this, onStalled);
    this.#shares.add(share);
    return share;
  }

  /** Takes room for a share, beyond its own. @returns whether there was any */
  tryTake(size: number): boolean {
    // What alone exceeds all is let in where nothing else is.
    if (this.#waiting.length > 0 || (this.#taken > 0 && this.#taken + size > this.#size)) return false;
    this.#taken += size;
    return true;
  }

  /** Waits for room. @throws {VtError} ECANCELLED */
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

  /** Gives room back. */
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

  /** A client has gone. */
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

/** The part of it that one client holds. */
export class RoomShare {
  readonly #room: SharedRoom;
  readonly #onStalled: () => void;
  /** Octets held of what is its own. */
  #own = 0;
  /** Octets held of what all share. */
  shared = 0;
  /** When it last went on. */
  movedMs = performance.now();
  #moved = 0;
  #isClosed = false;

  constructor(room: SharedRoom, onStalled: () => void) {
    this.#room = room;
    this.#onStalled = onStalled;
  }

  /** Takes room where there is some. @returns what gives it back */
  tryTake(size: number): (() => void) | undefined {
    if (this.#own + size <= OWN_ROOM_SIZE) {
      this.#own += size;
      return this.#giver(size, false);
    }
    if (!this.#room.tryTake(size)) return undefined;
    return this.#takenShared(size);
  }

  /** Waits for room. @returns what gives it back. @throws {VtError} ECANCELLED */
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

  /** Octets came or went. */
  moved(size: number): void {
    this.#moved += size;
    if (this.#moved < STALLED_SIZE) return;
    this.#moved = 0;
    this.movedMs = performance.now();
  }

  /** Ends the client. */
  cutOff(): void {
    this.#onStalled();
  }

  /** The client has gone: all is given back. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    const { shared } = this;
    this.shared = 0;
    if (shared > 0) this.#room.give(shared);
    this.#room.leave(this);
  }
}
