import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { dirname } from 'node:path';
import { VtError } from '../../core/base/errors.ts';
import { makeFolders } from '../../core/base/system/make-folders.ts';
import { peerUid } from '../../core/base/system/peer-credentials.ts';
import { descriptorOf } from '../../core/base/system/socket-descriptor.ts';
import { errorText } from '../../core/base/system/system-error.ts';
import { errorFields } from './fields.ts';
import { LineReader } from './line-reader.ts';
import { type Commands, MAX_REQUEST_SIZE, type Request, type RequestId, readRequest } from './request.ts';
import { RequestQueue } from './request-queue.ts';

/** Octets of an overlong request that are read and dropped, at most. */
const MAX_DROPPED_SIZE = 256 * 1024 * 1024;
/** The exit status of a cancelled command: 128 + SIGINT, as in a shell. */
const CANCELLED = 130;
/** Clients connected at a time, at most. */
const MAX_CLIENTS = 32;

/** One answer: a line of JSON. */
export type Answer = Readonly<Record<string, unknown>>;

/** Runs the commands of one client; each client has its own working path. */
export interface ControlClient {
  /**
   * Runs commands.
   *
   * @param answer - sends one record; resolves when the client has room for more
   * @returns the end of the answer: the exit status, and the error if there was one
   */
  run(commands: Commands, answer: (record: Answer) => Promise<void>, signal: AbortSignal): Promise<Answer>;
  /** Answers a request on the tree. @throws the error of the request */
  ask(request: Answer, signal: AbortSignal): Promise<Answer>;
  /** The client will send no further requests: those that wait for a change may end. */
  noMore(): void;
  /** Every request of the client has been answered, or it has disconnected. */
  end(): Promise<void>;
}

/** How the control socket of a mount is served. */
export interface ControlOptions {
  /** Path of the socket. Its folder is created with mode 0700 if it does not exist. */
  readonly path: string;
  readonly newClient: () => Promise<ControlClient>;
  /** User whose processes may connect. */
  readonly uid: number;
}

/** A control socket that accepts clients. */
export interface ControlServer extends AsyncDisposable {
  readonly path: string;
}

/**
 * Serves a UNIX socket: lines of JSON, one request each, answered by records with its id.
 *
 * @throws {VtError} EOPEN if the socket cannot be created
 * @see vt(7), "CONTROL CHANNEL"
 */
export async function serveControl(options: ControlOptions): Promise<ControlServer> {
  const { path } = options;
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => socket.destroy());
    const uid = peerUid(descriptorOf(socket));
    const refusal =
      uid !== undefined && uid !== options.uid && uid !== 0
        ? 'not your mount'
        : sockets.size >= MAX_CLIENTS
          ? 'too many clients'
          : undefined;
    if (refusal !== undefined) {
      socket.resume();
      socket.end(`${JSON.stringify({ error: `connect: ${refusal}`, done: true, status: uid === options.uid ? 1 : 12 })}\n`);
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    void options
      .newClient()
      .then(async (client) => await serveClient(socket, client))
      .catch(() => socket.destroy())
      .finally(() => socket.end());
  });
  await listen(server, path);
  return {
    path,
    async [Symbol.asyncDispose]() {
      rmSync(path, { force: true });
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
    },
  };
}

async function listen(server: Server, path: string): Promise<void> {
  makeFolders(dirname(path), 0o700);
  rmSync(path, { force: true });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) => reject(new VtError('EOPEN', `listen on "${path}": ${errorText(error)}`, { cause: error })));
    server.listen(path, resolve);
  });
  chmodSync(path, 0o600);
  // The mount keeps the process alive, not its clients.
  server.unref();
}

/** Answers one client, a request at a time, until it disconnects or violates the protocol. */
async function serveClient(socket: Socket, client: ControlClient): Promise<void> {
  if (socket.destroyed) return;
  const gone = new AbortController();
  socket.once('close', () => gone.abort());
  let room: Promise<void> | undefined;
  const hasRoom = async (): Promise<void> => {
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        socket.off('drain', goOn);
        socket.off('close', goOn);
        resolve();
      };
      socket.once('drain', goOn).once('close', goOn);
    });
    room = undefined;
    goOnReading();
  };
  const send = async (record: Answer): Promise<void> => {
    if (gone.signal.aborted || socket.write(`${JSON.stringify(record, plainNumber)}\n`)) return;
    room ??= hasRoom();
    await room;
  };
  // A client that reads no answers gets no further requests through: answers to cancellations are not queued.
  const goOnReading = (): void => {
    if (!queue.isFull && !socket.writableNeedDrain) socket.resume();
  };
  const queue = new RequestQueue<QueuedRequest>({
    answer: async (queued, signal) => await answer(queued, client, send, signal),
    dropped: async ({ id }, error) => await send({ id, done: true, ...errorFields(error), status: CANCELLED }),
    onRoom: goOnReading,
    onFailure: () => socket.destroy(),
    ended: gone.signal,
  });
  const take = (line: string): void => {
    const request = readRequest(line);
    const { id, cancel } = request;
    if (cancel === undefined) {
      queue.add({ id, request, size: line.length });
      return;
    }
    void send(queue.answerCancel(id, cancel));
  };
  let isTooLong = false;
  const lines = new LineReader(MAX_REQUEST_SIZE);
  await new Promise<void>((resolve) => {
    socket
      .once('close', resolve)
      .once('end', resolve)
      .once('end', () => client.noMore());
    socket.on('data', (chunk: Buffer) => {
      const found = lines.take(chunk);
      if (found === undefined) {
        isTooLong = true;
        queue.clear();
        dropRest(socket);
        resolve();
        return;
      }
      for (const line of found) take(line);
      // A client that asks faster than it is answered waits.
      if (queue.isFull || socket.writableNeedDrain) socket.pause();
    });
  });
  await queue.idle();
  if (isTooLong)
    socket.end(
      `${JSON.stringify({ error: `read a request: longer than ${MAX_REQUEST_SIZE} octets`, code: 'EUSAGE', done: true, status: 2 })}\n`,
    );
  await client.end();
}

/**
 * Reads and drops the rest of a request that is too long: its client may read the answer only after sending all of it. A client
 * that never stops is disconnected.
 */
function dropRest(socket: Socket): void {
  let dropped = 0;
  socket.removeAllListeners('data').on('data', (chunk: Buffer) => {
    dropped += chunk.length;
    if (dropped > MAX_DROPPED_SIZE) socket.destroy();
  });
  socket.resume();
}

interface QueuedRequest {
  readonly id: RequestId | undefined;
  readonly request: Request;
  readonly size: number;
}

async function answer(
  { request }: QueuedRequest,
  client: ControlClient,
  send: (record: Answer) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const { id, problem, commands, fields } = request;
  if (problem !== undefined) {
    await send({ id, error: `read a request: ${problem}`, code: 'EUSAGE', done: true, status: 2 });
    return;
  }
  if (commands === undefined) {
    const found = await client.ask(fields ?? {}, signal).catch(errorFields);
    await send({ ...found, id, done: true, status: 'error' in found ? 1 : 0 });
    return;
  }
  const end = await client
    .run(commands, async (record) => await send({ ...record, id }), signal)
    .catch((error: unknown) => ({ status: 1, ...errorFields(error) }));
  await send({ id, done: true, ...end });
}

/** A bigint as a number if that is exact, else as a string of its digits. */
function plainNumber(_key: string, value: unknown): unknown {
  if (typeof value !== 'bigint') return value;
  return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString();
}
