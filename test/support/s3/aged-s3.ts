import { createHash } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { signedHeaders } from '../../../core/s3/sign-request.ts';
import type { S3Service } from './s3-stores.ts';

/** Headers that the relay makes itself, and conditions: it is as if the service ignored these. */
const LEFT_OUT = ['authorization', 'connection', 'host', 'if-none-match', 'x-amz-content-sha256', 'x-amz-date'];

/**
 * A real service behind a relay whose clock is ahead as a test wants it, and which takes no notice of conditions: days pass between two
 * rounds. What was put looks as old as the relay's clock says.
 */
export class AgedS3 implements AsyncDisposable {
  /** How far its clock is ahead. */
  aheadMs = 0;
  /** Called at each request. */
  readonly watchers = new Set<() => void>();
  readonly #service: S3Service;
  readonly #agent = new Agent({ keepAlive: true });
  /** How far the clock was ahead when an object was put, by its key. */
  readonly #putAheadMs = new Map<string, number>();
  readonly #server = createServer((asked, response) => {
    this.#answer(asked, response).catch(() => response.destroy());
  });

  private constructor(service: S3Service) {
    this.#service = service;
  }

  static async before(service: S3Service): Promise<AgedS3> {
    const aged = new AgedS3(service);
    aged.#server.listen(0, '127.0.0.1');
    await once(aged.#server, 'listening');
    return aged;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async #answer(asked: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await bodyOf(asked);
    for (const watch of this.watchers) watch();
    const putAheadMs = this.aheadMs;
    const url = new URL(asked.url ?? '', this.#service.endpoint);
    const { answer, data } = await this.#ask(asked, url, body);
    const key = decodeURIComponent(url.pathname).replace(/^\/[^/]+\/?/, '');
    if (asked.method === 'PUT' && answer.statusCode === 200) this.#putAheadMs.set(key, putAheadMs);
    const isListing = key === '' && asked.method === 'GET';
    const given = isListing ? Buffer.from(this.#aged(data.toString())) : data;
    const { connection: _, 'transfer-encoding': __, ...headers } = answer.headers;
    const date = new Date(Date.now() + this.aheadMs).toUTCString();
    response.writeHead(answer.statusCode ?? 500, { ...headers, date, 'content-length': given.length }).end(given);
  }

  async #ask(
    { method = 'GET', headers }: IncomingMessage,
    url: URL,
    body: Buffer,
  ): Promise<{ readonly answer: IncomingMessage; readonly data: Buffer }> {
    const passed = Object.fromEntries(
      Object.entries(headers).flatMap(([name, value]) => (LEFT_OUT.includes(name) || value === undefined ? [] : [[name, String(value)]])),
    );
    const amazon = Object.fromEntries(Object.entries(passed).filter(([name]) => name.startsWith('x-amz-')));
    const bodyHash = createHash('sha256').update(body).digest('hex');
    const signed = signedHeaders({ method, url, region: 'us-east-1', bodyHash, now: new Date(), headers: amazon }, this.#service);
    const forwarded = request(url, { method, agent: this.#agent, headers: { ...passed, ...signed } }).end(body);
    const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
    return { answer, data: await bodyOf(answer) };
  }

  /** A listing in which each object was put when the relay's clock said so. */
  #aged(xml: string): string {
    return xml.replace(/<Key>([^<]*)<\/Key>(\s*)<LastModified>([^<]*)</g, (_, key: string, space: string, time: string) => {
      const aged = new Date(Date.parse(time) + (this.#putAheadMs.get(key) ?? 0));
      return `<Key>${key}</Key>${space}<LastModified>${aged.toISOString()}<`;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.#server.closeAllConnections();
    this.#agent.destroy();
    await Promise.resolve();
  }
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks);
}
