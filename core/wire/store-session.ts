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

/** Maximum number of one client's requests answered at a time, after `hello`. */
const AT_ONCE = 8;

/** Requests that write to the Store. */
const WRITES: ReadonlySet<number> = new Set([REQUEST.add, REQUEST.addRecords, REQUEST.entryAppend, REQUEST.archiveUpdate]);

/** A Store that is served under a name. */
export interface StoreExport {
  readonly store: Store;
  readonly archive?: ArchiveByName | undefined;
  readonly plainArchives?: PlainArchives | undefined;
  /** The mount that uses the Store: a client may do with its tree what an attached shell may. */
  readonly mount?: ServedMount | undefined;
}

/** What a server serves to its clients. */
export interface StoreService {
  /** Stores by name. Clients that give no name get the one with the empty name. */
  readonly exports: ReadonlyMap<string, StoreExport>;
  /** Clients may not add anything. */
  readonly isReadOnly: boolean;
  /** Archive entries must be in the order of time. */
  readonly isAppendOnly?: boolean;
  /** Finds out why a root may not be recorded: a Block that it needs is missing. Default: only its first Block is checked. */
  readonly rootFault?: RootFault | undefined;
  /** The current time in milliseconds since 1970; default: the clock of this machine. */
  readonly nowMs?: () => number;
  /** The users who are served at present; undefined to serve everybody without authentication. */
  readonly users?: (() => readonly ServedUser[]) | undefined;
  /** Identifies this process. */
  readonly instance: string;
  /** They verify added Blocks. Their creator disposes of them. */
  readonly checkers: RecordCheckers;
}

/** The connection to a client. */
export interface ClientConnection {
  /** Fires when the connection has ended. */
  readonly signal: AbortSignal;
  /** Called once the client has sent `hello`: from then on it answers pings. */
  readonly onHello: () => void;
  /** Called once the client has sent a request, and has authenticated if there are secrets. */
  readonly onWelcome: () => void;
  /** Reports to the client that an entry was recorded in an archive. */
  readonly tellNews: (archive: string) => void;
}

/** A client that has authenticated. */
export interface ServedUser {
  readonly secret: Uint8Array;
  /** What this user may not do at all, in a sentence. */
  readonly lacks?: string | undefined;
  /** What this user is served; it may be less than other users get. */
  readonly service: StoreService;
  /** Called before each request. @throws {VtError} EPERM if this user is no longer served, or writes without permission */
  readonly requireServed: (isWrite: boolean) => void;
}

/** Answers the requests of one client. */
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
  /** Set between `hello` and `authenticate`: the client has yet to prove that it knows a secret. */
  #challenge: { readonly proof: string; readonly exportName: string; readonly user: ServedUser | undefined } | undefined;
  /** Pending adds: a flush waits for those that arrived before it. */
  readonly #adds = new Set<Promise<Reply>>();

  /** @param turns - the turns that all clients share */
  constructor(service: StoreService, turns: FairTurns, client: ClientConnection) {
    this.#service = service;
    this.#turns = turns;
    this.#client = client;
    this.#watches = new ServedWatches(client);
    this.#isAdmitted = service.users === undefined;
    this.#export = service.exports.get('');
  }

  /** 1 before `hello`: a client like the Python vt may rely on responses in order. */
  get atOnce(): number {
    return this.#hasGreeted ? AT_ONCE : 1;
  }

  async answer(packet: Packet): Promise<Reply> {
    try {
      if (this.#isAdmitted) this.#client.onWelcome();
      if (packet.channel !== 0) throw new PlainError('unknown channel %d');
      // A failed add has its own response. The flush takes no turn while it waits.
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

  /** Whether this is the first `hello` or an `authenticate`: these are cheap, so they need no turn. */
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
    // Opens the index while the client handles the response. A failure is reported with the client's first request.
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

  /** The response to a failed request: with a code for our own clients, else with the text that the Python vt uses for all failures. */
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

/** The user that a `hello` belongs to. Older clients send no `id`; then it must be the only user. */
function userOf(users: readonly ServedUser[], nonce: string, id: unknown): ServedUser | undefined {
  if (id !== undefined) return users.find(({ secret }) => isSameProof(idOf(secret, nonce), id));
  if (users.length > 1)
    throw new VtError('EPERM', 'hello: the client does not say which secret it has', { remedy: 'use this version at both ends' });
  return users[0];
}

/** A failure with a text that the Python vt uses. */
class PlainError extends Error {}
