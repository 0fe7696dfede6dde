import { ClosedError, ConnectionLostError, LostAddsError, SilentPeerError, VtError } from '../base/errors.ts';
import { onAbort } from '../base/on-abort.ts';
import { errorText } from '../base/system/system-error.ts';
import { DEFAULT_EDGES } from '../block/edge-settings.ts';
import type { HashName } from '../block/hash.ts';
import { ArchiveWatches } from './archive-watches.ts';
import type { RequestBody } from './connection.ts';
import { Connection } from './connection.ts';
import type { StoreDescription } from './hello.ts';
import { idOf, isSameProof, newNonce, PROTOCOL_VERSION, proofOf, readDescription } from './hello.ts';
import { ASKED_QUIET_MS, LOST_MS, TELL_MS } from './limits.ts';
import type { Link } from './links/link.ts';
import { encodeText } from './payload.ts';
import type { Response } from './read-response.ts';
import { REQUEST } from './requests.ts';
import type { AskedSilence } from './silence-watch.ts';

/** Options of a connection to a served Store. */
export interface StreamOptions {
  readonly name: string;
  readonly dial: (signal?: AbortSignal) => Promise<Link>;
  /** The name of the Store on the server. */
  readonly exportName?: string | undefined;
  readonly secret?: Uint8Array | undefined;
  /** Use the protocol of the Python vt, without `hello`. */
  readonly isPlain?: boolean;
  /** The hash function to assume if the server does not name one. */
  readonly plainHash?: HashName | undefined;
  readonly trace?: ((line: string) => void) | undefined;
  /** Milliseconds in which `hello` must be answered. */
  readonly helloMs?: number | undefined;
  /** Called when nothing has arrived for a while, though a request is outstanding. */
  readonly onSilent?: ((silentMs: number) => void) | undefined;
  /** The limits for that silence. */
  readonly asked?: Omit<AskedSilence, 'onSilent'> | undefined;
  /** Milliseconds of silence after which a server with the Python vt's protocol counts as lost, while a request is outstanding. */
  readonly answerMs?: number | undefined;
}

/** The default hash function of the Python vt. */
const PLAIN_HASH: HashName = 'blake3';
const ASKED = { quietMs: ASKED_QUIET_MS, lostMs: LOST_MS, tellMs: TELL_MS };
const HELLO_MS = 60_000;
const ANSWER_MS = 10_000;

/** A connection to a served Store; reconnects after a loss. */
export class StreamClient {
  readonly name: string;
  /** Watches for new entries in the Store's archives. */
  readonly watches: ArchiveWatches;
  readonly #options: StreamOptions;
  #description: StoreDescription | undefined;
  #instance = '';
  #isPlain: boolean;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #isClosed = false;
  /** Number of callers that wait for the connection. */
  #waiting = 0;
  #giveUp = new AbortController();
  /** The server process that received the adds since the last flush. */
  #addedTo: string | undefined;
  #lostAdds: LostAddsError | undefined;

  constructor(options: StreamOptions) {
    this.name = options.name;
    this.#options = options;
    this.#isPlain = options.isPlain === true;
    this.watches = new ArchiveWatches(
      async (archive, signal) => (await this.request(REQUEST.entryWatch, { payload: [encodeText(archive)] }, signal)).yes,
    );
  }

  /** Whether the server only speaks the Python vt's protocol; known once the connection is open. */
  get isPlain(): boolean {
    return this.#isPlain;
  }

  /** Identifies the present server process. */
  get instance(): string {
    return this.#instance;
  }

  /** Connects if necessary. @returns the Store's description. @throws {VtError} EOPEN and others if it cannot connect */
  async open(signal?: AbortSignal): Promise<StoreDescription> {
    await this.#connected(signal);
    if (this.#description === undefined) throw new VtError('EOPEN', `open Store "${this.name}": it did not describe itself`);
    return this.#description;
  }

  /**
   * Sends a request; connects first if necessary. A request that was lost with the connection is sent once more, since it
   * does no harm twice; except for `entryAppend` and `control`.
   *
   * @throws {ConnectionLostError} if the connection was lost and cannot be restored, or was lost again
   */
  async request(request: number, body?: RequestBody, signal?: AbortSignal): Promise<Response> {
    const now = this.#connection;
    const connection = now !== undefined && !now.isOver ? now : await this.#connected(signal);
    try {
      return await connection.request(request, body, signal);
    } catch (error) {
      if (!(error instanceof ConnectionLostError) || error instanceof SilentPeerError) throw error;
      if (request === REQUEST.entryAppend || request === REQUEST.control || this.#isClosed) throw error;
      const again = await this.#connected(signal).catch((failure: unknown) => {
        throw new ConnectionLostError(this.name, `the connection was lost: ${errorText(failure)}`, { cause: error });
      });
      return await again.request(request, body, signal);
    }
  }

  /** As `request`, for data that the next flush has to make durable. */
  async add(request: number, body: RequestBody, signal?: AbortSignal): Promise<Response> {
    const response = await this.request(request, body, signal);
    this.#addedTo ??= this.#description?.instance;
    return response;
  }

  /** Makes all adds durable. @throws {LostAddsError} once, if they were sent to a server process that has ended */
  async flush(signal?: AbortSignal): Promise<void> {
    await this.request(REQUEST.flush, {}, signal);
    const lost = this.#lostAdds;
    this.#lostAdds = undefined;
    this.#addedTo = undefined;
    if (lost !== undefined) throw lost;
  }

  check(action: string): void {
    if (this.#isClosed) throw new ClosedError(action, this.name);
  }

  async #connected(signal: AbortSignal | undefined): Promise<Connection> {
    this.check('connect to');
    if (this.#connection !== undefined && !this.#connection.isOver) return this.#connection;
    // Several callers may wait. Cancelling one does not cancel the connection attempt unless it is the only one.
    this.#waiting++;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    const connecting = this.#connecting;
    try {
      return await new Promise<Connection>((resolve, reject) => {
        const release = onAbort(signal, () => {
          if (this.#waiting === 1) this.#giveUp.abort();
          reject(new VtError('ECANCELLED', 'cancelled', { cause: signal?.reason }));
        });
        connecting.then(resolve, reject).finally(release);
      });
    } finally {
      this.#waiting--;
    }
  }

  async #connect(): Promise<Connection> {
    this.#giveUp = new AbortController();
    const { signal } = this.#giveUp;
    const { dial, trace, helloMs = HELLO_MS, asked = ASKED, onSilent = () => undefined } = this.#options;
    const onNews = (archive: string): void => this.watches.news(archive);
    const connection = new Connection(await dial(signal), { name: this.name, trace, asked: { ...asked, onSilent }, onNews });
    void connection.closed.then(() => this.watches.lost());
    const timer = setTimeout(() => connection.fail(new Error(`no answer within ${helloMs / 1000} s`)), helloMs);
    try {
      const description = this.#isPlain ? this.#plainDescription() : await this.#greet(connection, signal);
      this.#take(description);
      if (this.#isPlain) connection.watchAnswers(this.#options.answerMs ?? ANSWER_MS);
      else connection.watch();
      this.#connection = connection;
      return connection;
    } catch (error) {
      connection.fail(error);
      if (!(error instanceof ConnectionLostError)) throw error;
      throw new VtError('EOPEN', error.message.replace(/^ask /, 'open Store '), {
        cause: error,
        ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
      });
    } finally {
      clearTimeout(timer);
    }
  }

  /** Checks that the Store is the same as over the previous connection. */
  #take(description: StoreDescription): void {
    const before = this.#description;
    if (before !== undefined && before.hashName !== description.hashName)
      throw new VtError('EOPEN', `open Store "${this.name}": its hash function was ${before.hashName} and is ${description.hashName}`);
    if (this.#addedTo !== undefined && description.instance !== this.#addedTo) {
      this.#lostAdds = new LostAddsError(this.name, 'Blocks added before the connection was lost may be lost too', {
        remedy: 'run the same command again',
      });
    }
    this.#addedTo = undefined;
    this.#description = before ?? description;
    this.#instance = description.instance;
  }

  #plainDescription(): StoreDescription {
    return {
      version: 0,
      hashName: this.#options.plainHash ?? PLAIN_HASH,
      edges: DEFAULT_EDGES,
      compression: undefined,
      can: { write: true, enumerate: true, archives: false, notes: false },
      instance: '',
      exports: [],
    };
  }

  async #greet(connection: Connection, signal: AbortSignal | undefined): Promise<StoreDescription> {
    const { exportName = '', secret } = this.#options;
    const nonce = newNonce();
    const json = {
      version: PROTOCOL_VERSION,
      ...(exportName === '' ? {} : { export: exportName }),
      ...(secret === undefined ? {} : { nonce, id: idOf(secret, nonce) }),
    };
    let response: Response;
    try {
      response = await connection.request(REQUEST.hello, { json }, signal);
    } catch (error) {
      // A server that does not know `hello` gives no other reason than that it failed.
      if (!(error instanceof VtError) || error instanceof ConnectionLostError || error.code !== 'EFAILED') throw error;
      if (secret !== undefined || exportName !== '')
        throw this.#refused('it speaks the protocol of the Python vt, which has neither names nor secrets');
      this.#isPlain = true;
      return this.#plainDescription();
    }
    const { proof, nonce: theirs } = response.json ?? {};
    if (secret !== undefined && typeof proof !== 'string') throw this.#refused('it does not ask for the secret');
    if (typeof proof === 'string' && typeof theirs === 'string') {
      if (secret === undefined) throw this.#refused('a secret is needed');
      if (!isSameProof(proofOf(secret, 'server', nonce, theirs), proof)) throw this.#refused('it does not know the secret');
      response = await connection.request(REQUEST.authenticate, { json: { proof: proofOf(secret, 'client', nonce, theirs) } }, signal);
    }
    return readDescription(response.json ?? {}, this.name);
  }

  #refused(what: string): VtError {
    return new VtError('EPERM', `open Store "${this.name}": ${what}`, {
      remedy: 'give or leave out secret=FILE, as the server requires',
    });
  }

  /** Ends the connection in order. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#connecting?.catch(() => undefined);
    await this.#connection?.close();
  }
}
