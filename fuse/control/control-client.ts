import { connect, type Socket } from 'node:net';
import { VtError } from '../../core/base/errors.ts';
import type { OpOptions } from '../../core/base/op-options.ts';
import { peerUid } from '../../core/base/system/peer-credentials.ts';
import { descriptorOf } from '../../core/base/system/socket-descriptor.ts';
import { errorCode, errorReason } from '../../core/base/system/system-error.ts';
import { connected } from '../../core/wire/links/connected.ts';
import type { ControlLink } from './control-link.ts';
import { type Fields, takeError } from './fields.ts';
import { LineReader } from './line-reader.ts';

/** Octets of an answer, at most: a Block of the largest size in base64, with room to spare. */
const MAX_ANSWER_SIZE = 64 * 1024 * 1024;
/** Milliseconds in which the listening process must identify itself. */
const GREETING_MS = 10_000;

interface Waiting {
  readonly resolve: (answer: Fields) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection to the control channel of a mount. Several requests may be pending; they are answered in order. */
export class ControlChannel implements ControlLink {
  readonly path: string;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, Waiting>();
  /** The mount's name in messages. */
  #name: string;
  #lastId = 0;
  #lost: VtError | undefined;

  private constructor(path: string, socket: Socket) {
    this.path = path;
    this.#name = path;
    this.#socket = socket;
    const lines = new LineReader(MAX_ANSWER_SIZE);
    socket.on('data', (chunk: Buffer) => {
      const found = lines.take(chunk);
      if (found === undefined) socket.destroy();
      else for (const line of found) this.#take(line);
    });
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.#lose());
  }

  /**
   * Connects to a socket that a process of this user, or of root, listens on.
   *
   * @param uid - this user
   * @throws {VtError} EOPEN if no process listens, EPERM if a process of another user does
   */
  static async connect(path: string, uid: number, options: OpOptions = {}): Promise<ControlChannel> {
    const { socket } = await connected(() => ({ socket: connect(path) }), 'connect', options).catch((error: unknown) => {
      throw errorCode(error) === 'ECANCELLED'
        ? error
        : new VtError('EOPEN', `attach to "${path}": ${errorReason(error)}`, { cause: error });
    });
    const owner = peerUid(descriptorOf(socket));
    if (owner !== undefined && owner !== uid && owner !== 0) {
      socket.destroy();
      throw new VtError('EPERM', `attach to "${path}": it is served by another user (uid ${owner})`);
    }
    const channel = new ControlChannel(path, socket);
    try {
      const about = await channel.ask(
        { request: 'about' },
        { signal: AbortSignal.any([AbortSignal.timeout(GREETING_MS), ...(options.signal === undefined ? [] : [options.signal])]) },
      );
      const { mountpoint } = about;
      if (typeof mountpoint === 'string') channel.#name = mountpoint;
      channel.about = about;
    } catch (error) {
      socket.destroy();
      if (error instanceof VtError && error.code === 'ECANCELLED' && options.signal?.aborted !== true)
        throw new VtError('EOPEN', `attach to "${path}": no answer`, { cause: error });
      throw error;
    }
    return channel;
  }

  /** The fields of the mount's greeting. */
  about: Fields = {};
  /** Called if the mount ends while no request is pending; a pending request fails instead. */
  onGone: ((error: VtError) => void) | undefined;

  /**
   * Sends a request and waits for its answer. If the signal fires, the wait ends; the mount still carries out the request.
   *
   * @throws the error that the answer contains; {VtError} EOPEN, always the same object, once the mount has ended
   */
  async ask(request: Fields, { signal }: OpOptions = {}): Promise<Fields> {
    if (this.#lost !== undefined) throw this.#lost;
    if (signal?.aborted === true) throw new VtError('ECANCELLED', 'cancelled', { cause: signal.reason });
    const id = ++this.#lastId;
    let onAbort: (() => void) | undefined;
    try {
      const answer = await new Promise<Fields>((resolve, reject) => {
        this.#waiting.set(id, { resolve, reject });
        onAbort = (): void => reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
        signal?.addEventListener('abort', onAbort, { once: true });
        this.#socket.write(`${JSON.stringify({ id, ...request })}\n`);
      });
      const error = takeError(answer);
      if (error !== undefined) throw error;
      return answer;
    } finally {
      this.#waiting.delete(id);
      if (onAbort !== undefined) signal?.removeEventListener('abort', onAbort);
    }
  }

  /** Sends a request without waiting for its answer. */
  tell(request: Fields): void {
    this.ask(request).catch(() => undefined);
  }

  [Symbol.dispose](): void {
    this.#lost ??= new VtError('ECLOSED', `ask "${this.#name}": already closed`);
    this.#socket.destroy();
  }

  #take(line: string): void {
    let answer: Fields;
    try {
      answer = JSON.parse(line) as Fields;
    } catch {
      this.#socket.destroy();
      return;
    }
    const { id } = answer;
    if (typeof id === 'number') this.#waiting.get(id)?.resolve(answer);
    // The mount refused the connection before the first request.
    else this.#lose(takeError({ ...answer, code: answer['status'] === 12 ? 'EPERM' : 'EOPEN' }));
  }

  #lose(why = new VtError('EOPEN', `"${this.#name}": this mount has ended`)): void {
    if (this.#lost === undefined && this.#waiting.size === 0) this.onGone?.(why);
    this.#lost ??= why;
    for (const { reject } of this.#waiting.values()) reject(this.#lost);
    this.#waiting.clear();
  }
}
