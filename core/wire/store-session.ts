import { CorruptBlockError, VtError } from '../base/errors.ts';
import { errorText } from '../base/system/system-error.ts';
import { notesOf } from '../store/cache-notes.ts';
import type { ServedMount } from '../store/capabilities.ts';
import { NOTE_SIZE } from '../store/capabilities.ts';
import { canWrite, capability } from '../store/capability.ts';
import type { RecordCheckers } from '../store/records/record-checker.ts';
import type { Store } from '../store/store.ts';
import type { AppendModes, ArchiveByName, RootFault } from './entry-requests.ts';
import { answerArchiveNames, answerEntries, answerEntryAppend, answerEntryLast } from './entry-requests.ts';
import type { FairTurns, Turn } from './fair-turns.ts';
import { TurnTaker } from './fair-turns.ts';
import { describeStore, idOf, isSameProof, newNonce, PROTOCOL_VERSION, proofOf } from './hello.ts';
import { MAX_PING_SIZE, MAX_REQUEST_JSON_SIZE } from './limits.ts';
import type { Packet } from './packet.ts';
import type { Json } from './payload.ts';
import { decodeFields, decodeJson, encodeFields } from './payload.ts';
import type { PlainArchives } from './plain-requests.ts';
import { answerPlain } from './plain-requests.ts';
import { answerAddRecords, answerHas, answerRecords } from './record-requests.ts';
import type { Reply, RequestHandler } from './reply.ts';
import { REQUEST, REQUEST_FLAG, requestName } from './requests.ts';
import { ServedWatches } from './served-watches.ts';

/** Requests of one client that are answered at a time, once it has said hello. */
const AT_ONCE = 8;

/** What adds something. */
const WRITES: ReadonlySet<number> = new Set([REQUEST.add, REQUEST.addRecords, REQUEST.entryAppend, REQUEST.archiveUpdate]);

/** A Store that is served under a name. */
export interface StoreExport {
  readonly store: Store;
  readonly archive?: ArchiveByName | undefined;
  readonly plainArchives?: PlainArchives | undefined;
  /** The mount whose Store it is: a client may do with its tree what an attached shell may. */
  readonly mount?: ServedMount | undefined;
}

/** What clients are served. */
export interface StoreService {
  /** By name; that of the empty name is for those who name none. */
  readonly exports: ReadonlyMap<string, StoreExport>;
  /** Nothing is added. */
  readonly isReadOnly: boolean;
  /** Archives grow in the order of time alone. */
  readonly isAppendOnly?: boolean;
  /** Why a root is not to be recorded, for something that it needs is not in the Store; default: only what it begins with is looked at. */
  readonly rootFault?: RootFault | undefined;
  /** Milliseconds since 1970, now; default the clock of this machine. */
  readonly nowMs?: () => number;
  /** Those who are served, now; undefined for everybody who comes. */
  readonly users?: (() => readonly ServedUser[]) | undefined;
  /** Names this process. */
  readonly instance: string;
  /** What is added is verified by these; who made them ends them. */
  readonly checkers: RecordCheckers;
}

/** The connection to a client that is served. */
export interface ClientConnection {
  /** Fires when the client has gone. */
  readonly signal: AbortSignal;
  /** Called once the client has said hello: then it answers pings. */
  readonly onHello: () => void;
  /** Called once the client has said something, and has shown that it knows the secret where there is one. */
  readonly onWelcome: () => void;
  /** Tells it that something was recorded in an archive. */
  readonly tellNews: (archive: string) => void;
}

/** A client that has authenticated. */
export interface ServedUser {
  readonly secret: Uint8Array;
  /** What they may not do at all, in a sentence. */
  readonly lacks?: string | undefined;
  /** What they are served, which may be less than others are. */
  readonly service: StoreService;
  /** Called before each request. @throws {VtError} EPERM where they are not to be served any more, or may not write at all */
  readonly requireServed: (isWrite: boolean) => void;
}

/** Serves one client. */
export class StoreSession implements RequestHandler {
  #service: StoreService;
  readonly #turns: FairTurns;
  readonly #taker = new TurnTaker();
  readonly #client: ClientConnection;
  readonly #watches: ServedWatches;
  #export: StoreExport | undefined;
  #hasGreeted = false;
  #isAdmitted: boolean;
  #user: ServedUser | undefined;
  /** A client that has said hello, and has yet to show that it knows a secret. */
  #challenge: { readonly proof: string; readonly exportName: string; readonly user: ServedUser | undefined } | undefined;
  /** Adds under way: a flush covers those that were asked for before it. */
  readonly #adds = new Set<Promise<Reply>>();

  /** @param turns - those of all clients */
  constructor(service: StoreService, turns: FairTurns, client: ClientConnection) {
    this.#service = service;
    this.#turns = turns;
    this.#client = client;
    this.#watches = new ServedWatches(client);
    this.#isAdmitted = service.users === undefined;
    this.#export = service.exports.get('');
  }

  /** A client of the Python vt's kind may count on responses in order. */
  get atOnce(): number {
    return this.#hasGreeted ? AT_ONCE : 1;
  }

  async answer(packet: Packet): Promise<Reply> {
    try {
      if (this.#isAdmitted) this.#client.onWelcome();
      if (packet.channel !== 0) throw new PlainError('unknown channel %d');
      // A request that failed has its own answer. One that waits for others has no turn meanwhile.
      if (packet.request === REQUEST.flush) await Promise.allSettled(this.#adds);
      const adding = packet.request === REQUEST.addRecords || packet.request === REQUEST.add ? this.#inTurn(packet) : undefined;
      if (adding === undefined) return await this.#inTurn(packet);
      this.#adds.add(adding);
      try {
        return await adding;
      } finally {
        this.#adds.delete(adding);
      }
    } catch (error) {
      return this.#failure(error);
    }
  }

  async #inTurn(packet: Packet): Promise<Reply> {
    if (this.#isIntroduction(packet)) return await this.#answer(packet, undefined);
    const turn = await this.#turns.enter(this.#taker, this.#client.signal);
    try {
      return await this.#answer(packet, turn);
    } finally {
      turn.end();
    }
  }

  /** Whether a client says for the first time who it is: that costs next to nothing, and waits for nobody's work. */
  #isIntroduction({ request }: Packet): boolean {
    return request === REQUEST.hello ? !this.#hasGreeted : request === REQUEST.authenticate && this.#challenge !== undefined;
  }

  async #answer(packet: Packet, turn: Turn | undefined): Promise<Reply> {
    const { request = -1 } = packet;
    const { json, rest: payload } =
      (packet.flags & REQUEST_FLAG.json) === 0 ? { json: {}, rest: packet.payload } : decodeJson(packet.payload, MAX_REQUEST_JSON_SIZE);
    if (request === REQUEST.hello) return this.#hello(json);
    if (request === REQUEST.authenticate) return this.#authenticate(json);
    if (request === REQUEST.ping) return { isDone: true, payload: [Uint8Array.from(payload.subarray(0, MAX_PING_SIZE))] };
    if (!this.#isAdmitted) throw new VtError('EPERM', `${requestName(request)}: not allowed before authentication`);
    this.#user?.requireServed(WRITES.has(request));
    const { store, archive, plainArchives, mount } = this.#opened();
    const isReadOnly = this.#service.isReadOnly || !canWrite(store);
    const options = { signal: this.#client.signal, turn };
    const archives: ArchiveByName = archive ?? (() => undefined);
    switch (request) {
      case REQUEST.has:
        return await answerHas(store, payload, options);
      case REQUEST.records:
        return await answerRecords(store, packet.flags, payload, options);
      case REQUEST.hasNote:
      case REQUEST.addNote: {
        const notes = isReadOnly ? undefined : notesOf(store);
        if (notes === undefined) return { isDone: true };
        if (payload.length !== NOTE_SIZE) throw new VtError('EPARSE', `a note of ${payload.length} bytes`);
        if (request === REQUEST.hasNote) return { isDone: true, yes: await notes.has(payload, options) };
        await notes.add(payload, options);
        return { isDone: true };
      }
      case REQUEST.addRecords:
        return await answerAddRecords(store, this.#service.checkers.of(store.hashName), isReadOnly, { ...packet, payload }, options);
      case REQUEST.archiveNames:
        return await answerArchiveNames(store, archive !== undefined, options);
      case REQUEST.entryLast:
        return await answerEntryLast(archives, json, payload, options);
      case REQUEST.entries:
        return await answerEntries(archives, json, payload, options);
      case REQUEST.control:
        if (mount === undefined) throw new VtError('EUNSUPPORTED', 'control: this server serves no mount');
        return { isDone: true, payload: [encodeFields(await mount.ask(decodeFields(payload), options))] };
      case REQUEST.entryWatch:
        return this.#watches.answer(archives, payload);
      case REQUEST.entryAppend:
        return await answerEntryAppend(archives, this.#appendModes(store, isReadOnly), json, payload, options);
      default: {
        const reply = await answerPlain({ ...packet, payload }, { store, isReadOnly, archives: plainArchives }, options);
        if (reply !== undefined) return reply;
        throw new VtError('EUNSUPPORTED', `${requestName(request)}: unknown request`);
      }
    }
  }

  #appendModes(store: Store, isReadOnly: boolean): AppendModes {
    const { isAppendOnly = false, rootFault, nowMs = Date.now } = this.#service;
    return { isReadOnly, isAppendOnly, rootFault, store, nowNs: BigInt(Math.floor(nowMs())) * 1_000_000n };
  }

  #opened(): StoreExport {
    if (this.#export !== undefined) return this.#export;
    throw new VtError('EOPEN', 'open Store: no name was given', { remedy: this.#choice() });
  }

  #choice(): string {
    const names = [...this.#service.exports.keys()].filter((name) => name !== '');
    if (names.length === 0) return 'leave out export=';
    return `name one of ${names.join(', ')} by export=${this.#service.exports.has('') ? ', or leave it out' : ''}`;
  }

  #hello(json: Json): Reply {
    const { version, export: name = '', nonce, id } = json;
    if (typeof version !== 'number' || version < 1) throw new VtError('EUNSUPPORTED', `hello: version ${String(version)} of the protocol`);
    if (typeof name !== 'string') throw new VtError('EPARSE', 'hello: the name of the Store is no text');
    this.#hasGreeted = true;
    this.#client.onHello();
    const { users } = this.#service;
    if (users === undefined) return this.#welcome(name);
    if (typeof nonce !== 'string') throw new VtError('EPERM', 'hello: a secret is needed', { remedy: 'add secret=FILE' });
    const user = userOf(users(), nonce, id);
    // A client with a wrong secret gets no error here: its own check of our proof fails.
    const secret = user?.secret ?? Buffer.from(newNonce());
    const ours = newNonce();
    this.#challenge = { proof: proofOf(secret, 'client', nonce, ours), exportName: name, user };
    return { isDone: true, json: { version: PROTOCOL_VERSION, nonce: ours, proof: proofOf(secret, 'server', nonce, ours) } };
  }

  #authenticate(json: Json): Reply {
    const challenge = this.#challenge;
    this.#challenge = undefined;
    if (challenge?.user === undefined || !isSameProof(challenge.proof, json['proof']))
      throw new VtError('EPERM', 'authentication failed: wrong secret');
    this.#user = challenge.user;
    this.#user.requireServed(false);
    this.#service = this.#user.service;
    this.#export = undefined;
    this.#isAdmitted = true;
    this.#client.onWelcome();
    return this.#welcome(challenge.exportName);
  }

  #welcome(name: string): Reply {
    const { exports, isReadOnly, instance } = this.#service;
    const found = exports.get(name);
    if (found === undefined) {
      throw new VtError('EOPEN', name === '' ? 'open Store: no name was given' : `open Store "${name}": it is not served`, {
        remedy: this.#choice(),
      });
    }
    this.#export = found;
    const { store, archive, mount } = found;
    // Its index is opened while the client takes the answer and makes itself ready: what fails is told when it asks.
    setImmediate(() => void store.has([], { signal: this.#client.signal }).catch(() => undefined));
    return {
      isDone: true,
      json: describeStore({
        version: PROTOCOL_VERSION,
        hashName: store.hashName,
        edges: store.edges,
        compression: capability(store, 'recordSink')?.compression,
        durability: capability(store, 'durability')?.durability,
        can: {
          write: canWrite(store) && !isReadOnly,
          enumerate: capability(store, 'enumeration') !== undefined,
          archives: archive !== undefined,
          notes: true,
        },
        instance,
        lacks: this.#user?.lacks,
        exports: [...exports.keys()].filter((one) => one !== ''),
        mount: mount?.about,
      }),
    };
  }

  /** Why a request failed: to our own clients with its code; to others with what the Python vt says of every failure. */
  #failure(error: unknown): Reply {
    if (!this.#hasGreeted) {
      const text = error instanceof PlainError ? error.message : 'exception during handler';
      return { isDone: false, payload: [Buffer.from(text)] };
    }
    const { code, remedy } = error instanceof VtError ? error : { code: 'EFAILED', remedy: undefined };
    const block = error instanceof CorruptBlockError && error.hashcode !== '' ? { block: error.hashcode } : {};
    return { isDone: false, json: { code, reason: errorText(error), ...block, ...(remedy === undefined ? {} : { remedy }) } };
  }
}

/** Who it is that says hello. A client of before there were several secrets does not tell which it knows. */
function userOf(users: readonly ServedUser[], nonce: string, id: unknown): ServedUser | undefined {
  if (id !== undefined) return users.find(({ secret }) => isSameProof(idOf(secret, nonce), id));
  if (users.length > 1)
    throw new VtError('EPERM', 'hello: the client does not say which secret it has', { remedy: 'use this version at both ends' });
  return users[0];
}

/** A failure whose text the Python vt tells. */
class PlainError extends Error {}
