import { write } from 'node:fs';
import type { Octets } from '../../core/base/octets.ts';
import { NOTIFY, OUT_HEADER_SIZE } from './abi.ts';
import { writeI64 } from './octet-fields.ts';

/** Messages on their way to the kernel, at most. */
const MAX_UNDER_WAY = 2;

/**
 * Tells the kernel that what it remembers is no longer so. It may wait for requests that are not answered yet, so the
 * messages go through the thread pool, a few at a time: never from the loop that has to answer.
 */
export class Notifier {
  readonly #fd: number;
  readonly #waiting: Buffer[] = [];
  #underWay = 0;

  constructor(fd: number) {
    this.#fd = fd;
  }

  /** Attributes of a node, and its content where `content`, are to be asked for again. */
  node(ino: number, content: boolean): void {
    const message = this.#message(NOTIFY.INVAL_INODE, 24);
    writeI64(message, ino, OUT_HEADER_SIZE);
    // A negative offset leaves the pages as they are; 0 octets are all of them.
    writeI64(message, content ? 0 : -1, OUT_HEADER_SIZE + 8);
    writeI64(message, 0, OUT_HEADER_SIZE + 16);
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

  #message(code: number, size: number): Buffer {
    const message = Buffer.alloc(OUT_HEADER_SIZE + size);
    message.writeUInt32LE(message.length, 0);
    message.writeInt32LE(code, 4);
    return message;
  }

  #send(message: Buffer): void {
    this.#waiting.push(message);
    this.#next();
  }

  #next(): void {
    while (this.#underWay < MAX_UNDER_WAY) {
      const message = this.#waiting.shift();
      if (message === undefined) break;
      this.#underWay++;
      // ENOENT: the kernel does not know the node or name, and so has nothing to forget.
      write(this.#fd, message, 0, message.length, null, () => {
        this.#underWay--;
        this.#next();
      });
    }
  }
}
