import { write } from 'node:fs';
import type { Octets } from '../../core/base/octets.ts';
import type { Notices } from '../notices.ts';
import { NOTIFY, OUT_HEADER_SIZE } from './abi.ts';
import { writeI64 } from './octet-fields.ts';

/** Messages being sent for one mount, at most. */
const MAX_UNDER_WAY = 2;
/** Messages being sent for all mounts of this process. Fewer than the pool's threads, as each may have to wait for an answer. */
const MAX_ALL_UNDER_WAY = 3;

interface Message {
  readonly bytes: Buffer;
  /** Called once the kernel has taken it. */
  readonly onTaken: (() => void)[];
}

/**
 * Notifies the kernel that cached data is stale. The kernel may make a message wait for requests that are not answered yet. So the
 * thread pool sends the messages, a few at a time, and never the event loop, which has to answer.
 */
export class Notifier implements Notices {
  static #allUnderWay = 0;
  /** Notifiers with messages that wait for MAX_ALL_UNDER_WAY. */
  static readonly #held = new Set<Notifier>();
  readonly #fd: number;
  readonly #waiting: Message[] = [];
  readonly #underWay = new Set<Message>();
  #ended = false;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Attributes of a node, and its content where `content`, are to be asked for again. */
  node(ino: number, content: boolean): void {
    const message = this.#message(NOTIFY.INVAL_INODE, 24);
    writeI64(message, ino, OUT_HEADER_SIZE);
    // A negative offset leaves the pages as they are; 0 bytes are all of them.
    writeI64(message, content ? 0 : -1, OUT_HEADER_SIZE + 8);
    writeI64(message, 0, OUT_HEADER_SIZE + 16);
    this.#send(message);
  }

  /** A file ends at `size` octets or beyond. The kernel raises its size only for stored data, so it is sent the last octet to store. */
  grown(ino: number, size: number, last: number): void {
    const message = this.#message(NOTIFY.STORE, 24 + 1);
    writeI64(message, ino, OUT_HEADER_SIZE);
    writeI64(message, size - 1, OUT_HEADER_SIZE + 8);
    message.writeUInt32LE(1, OUT_HEADER_SIZE + 16);
    message[OUT_HEADER_SIZE + 24] = last;
    this.#send(message);
  }

  /** A name of a Dir is to be asked for again, whether it was there or not. */
  name(parent: number, name: Octets): void {
    const message = this.#message(NOTIFY.INVAL_ENTRY, 16 + name.length + 1);
    writeI64(message, parent, OUT_HEADER_SIZE);
    message.writeUInt32LE(name.length, OUT_HEADER_SIZE + 8);
    message.write(name, OUT_HEADER_SIZE + 16, 'latin1');
    this.#send(message);
  }

  /** Resolves when the kernel has taken every message so far; later messages do not delay it. */
  async idle(): Promise<void> {
    const messages = [...this.#underWay, ...this.#waiting];
    let left = messages.length;
    if (left === 0) return;
    await new Promise<void>((resolve) => {
      const taken = (): void => {
        left--;
        if (left === 0) resolve();
      };
      for (const message of messages) message.onTaken.push(taken);
    });
  }

  /** The kernel's side has ended. Resolves when no message is being sent any more. */
  async end(): Promise<void> {
    this.#ended = true;
    Notifier.#held.delete(this);
    for (const { onTaken } of this.#waiting.splice(0)) for (const taken of onTaken) taken();
    await this.idle();
  }

  #message(code: number, size: number): Buffer {
    const message = Buffer.alloc(OUT_HEADER_SIZE + size);
    message.writeUInt32LE(message.length, 0);
    message.writeInt32LE(code, 4);
    return message;
  }

  #send(message: Buffer): void {
    if (this.#ended) return;
    // A steady writer causes the same message again and again.
    if (this.#waiting.at(-1)?.bytes.equals(message) !== true) this.#waiting.push({ bytes: message, onTaken: [] });
    this.#next();
  }

  #next(): void {
    while (this.#underWay.size < MAX_UNDER_WAY && this.#waiting.length > 0) {
      if (Notifier.#allUnderWay >= MAX_ALL_UNDER_WAY) {
        Notifier.#held.add(this);
        break;
      }
      const message = this.#waiting.shift();
      if (message === undefined) break;
      this.#underWay.add(message);
      Notifier.#allUnderWay++;
      // ENOENT: the kernel does not know the node or name, and so has nothing to forget.
      write(this.#fd, message.bytes, 0, message.bytes.length, null, () => {
        this.#underWay.delete(message);
        Notifier.#allUnderWay--;
        this.#next();
        for (const taken of message.onTaken) taken();
        for (const held of [...Notifier.#held]) {
          Notifier.#held.delete(held);
          held.#next();
        }
      });
    }
  }
}
