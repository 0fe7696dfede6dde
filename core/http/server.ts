import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { VtError } from '../base/errors.ts';
import { addDoors } from '../base/system/accept-doors.ts';
import { errorReason } from '../base/system/system-error.ts';
import type { RightsTable } from '../rights/rights-table.ts';
import type { Admission, Refusal } from './access.ts';
import { admit, OwnNames } from './access.ts';
import { Connections } from './connections.ts';
import { takeBody } from './dav/propfind.ts';
import { WebGateways } from './gateways.ts';
import { COMMON_HEADERS } from './headers.ts';
import { sendProblem } from './problem.ts';
import type { WebService } from './service.ts';
import { hasBody } from './service.ts';

/** Connections at a time. */
const MAX_CONNECTIONS = 1024;
/** Bytes of the headers of a request, at most. */
const MAX_HEADER_SIZE = 16 * 1024;
/** Milliseconds within which the headers of a request must be complete. */
const HEADERS_MS = 10_000;
/** Milliseconds within which a request and its body must be complete. */
const REQUEST_MS = 60_000;
/** Milliseconds between two checks of these times. */
const CHECK_MS = 2000;
/** Milliseconds within which a client must accept some bytes of its answer. */
const IDLE_MS = 60_000;
/** Milliseconds for which an idle connection is kept. */
const KEEP_ALIVE_MS = 15_000;
/** Milliseconds that clients have to receive their last answers. */
const DRAIN_MS = 10_000;

const METHODS = 'GET, HEAD, OPTIONS, PROPFIND';

/** The clients that may send requests. */
export interface WebAccess {
  /** The clients that may send requests: each request must carry the secret of one. Undefined admits everybody. */
  readonly table: RightsTable | undefined;
  /** Names of this machine besides its addresses and `localhost`. */
  readonly hosts: ReadonlySet<string>;
}

export interface WebServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly service: WebService;
  readonly access: WebAccess;
  /** Certificate and key in PEM, for HTTPS. */
  readonly tls?: { readonly cert: Buffer; readonly key: Buffer } | undefined;
}

/** A listening server. Disposal takes no new connections, and answers the requests received so far. */
export interface WebServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080/` */
  readonly url: string;
}

/** Serves a Store over HTTP. @throws {VtError} EOPEN if it cannot listen on the address */
export async function serveWeb({ host, port, service, access, tls }: WebServerOptions): Promise<WebServer> {
  const gateways = new WebGateways(service, access.table);
  const names = new OwnNames(access.hosts);
  const connections = new Connections(MAX_CONNECTIONS, gateways.counts, (request, response) => {
    const admission = admit(request, { table: access.table, names }, () => gateways.now());
    if ('status' in admission || !gateways.of(admission.holder).answersAtOnce(request, response, admission.shared))
      void answerFully(gateways, admission, request, response);
  });
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => connections.take(request, response);
  const limits = {
    maxHeaderSize: MAX_HEADER_SIZE,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    connectionsCheckingInterval: CHECK_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
  };
  const server: Server = tls === undefined ? createServer(limits, onRequest) : createTlsServer({ ...limits, ...tls }, onRequest);
  server.on('connection', (socket: Socket) => connections.opened(socket));
  server.setTimeout(IDLE_MS, (socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error) =>
      reject(new VtError('EOPEN', `listen on "${host}:${port}": ${errorReason(error)}`, { cause: error, remedy: 'use another port' })),
    );
    server.listen({ host, port }, () => resolve());
  });
  const closeDoors = addDoors(server, { allowHalfOpen: tls === undefined, noDelay: true });
  const { address, family, port: bound } = server.address() as AddressInfo;
  return {
    url: `${tls === undefined ? 'http' : 'https'}://${family === 'IPv6' ? `[${address}]` : address}:${bound}/`,
    async [Symbol.asyncDispose]() {
      const closed = Promise.all([new Promise((resolve) => server.close(resolve)), closeDoors()]);
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), DRAIN_MS);
      await closed;
      clearTimeout(timer);
      await gateways[Symbol.asyncDispose]();
    },
  };
}

async function answerFully(
  gateways: WebGateways,
  admission: Admission | Refusal,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  for (const [name, value] of Object.entries(COMMON_HEADERS)) response.setHeader(name, value);
  const isPropfind = request.method === 'PROPFIND';
  // Other methods need no body: the rest of one would be taken for the next request.
  const isWrite = request.method === 'PUT' || request.method === 'POST';
  if (!isPropfind && !isWrite && hasBody(request)) response.setHeader('connection', 'close');
  if ('status' in admission) {
    if (isWrite) response.setHeader('connection', 'close');
    const challenge = admission.status === 401 ? { 'www-authenticate': 'Basic realm="vtftp", charset="UTF-8"' } : {};
    sendProblem(response, admission.status, admission.reason, challenge);
    return;
  }
  const { holder, shared } = admission;
  const gateway = gateways.of(holder);
  const takesWrites = gateway.takesWrites && shared === undefined;
  const methods = takesWrites ? `${METHODS}, PUT, POST` : METHODS;
  if (request.method === 'OPTIONS') {
    response.writeHead(204, { allow: methods, dav: '1' }).end();
    return;
  }
  if (isWrite ? !takesWrites : !isPropfind && request.method !== 'GET' && request.method !== 'HEAD') {
    const lack = isWrite && shared === undefined ? gateways.lackOfWriting(holder) : undefined;
    if (lack === undefined) sendProblem(response, 405, `${request.method ?? ''} is not served`, { allow: methods, connection: 'close' });
    else sendProblem(response, 403, lack, { connection: 'close' });
    return;
  }
  const gone = new AbortController();
  // Abort only if necessary: the error takes a tenth of the time of an answer.
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  if (isWrite) await gateway.write(request, response, gone.signal);
  else if (!isPropfind) await gateway.answer(request, response, gone.signal, shared);
  else {
    const body = await takeBody(request).catch(() => undefined);
    if (body === undefined) sendProblem(response, 413, 'the body is too long', { connection: 'close' });
    else await gateway.propfind(request, body, response, gone.signal, shared);
  }
}
