import { randomUUID } from 'node:crypto';
import type { OpOptions } from '../base/op-options.ts';
import { listObjects } from './list-objects.ts';
import type { S3Client } from './s3-client.ts';

const PREFIX = 'sessions/';
/** Milliseconds between signs of life, and before the first. A shorter session needs none: gc's grace period protects it. */
const SIGN_MS = 10 * 60_000;
/** A session without a sign of life for this many milliseconds, by the service's clock, counts as dead. */
const DEAD_MS = 60 * 60_000;
const MAX_SIZE = 64;

/** Shows gc that a session which may write is alive: gc removes nothing that was retired after the session began. */
export class SessionSigns {
  readonly #client: S3Client;
  readonly #key = `${PREFIX}${randomUUID()}`;
  readonly #timer: NodeJS.Timeout;
  readonly #beganMs = Date.now();
  #sign: Promise<void> | undefined;

  constructor(client: S3Client) {
    this.#client = client;
    this.#timer = setInterval(() => {
      this.#sign = this.#give().catch(() => undefined);
    }, SIGN_MS);
    this.#timer.unref();
  }

  async #give(): Promise<void> {
    const startMs = this.#client.serverMs - (Date.now() - this.#beganMs) - SIGN_MS;
    await this.#client.put(this.#key, Buffer.from(`${Math.floor(startMs)}\n`));
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    if (this.#sign === undefined) return;
    await this.#sign;
    await this.#client.delete(this.#key).catch(() => undefined);
  }
}

/** The start times of live sessions, in milliseconds since 1970 by the service's clock. Removes the signs of dead ones. */
export async function liveSessions(client: S3Client, options: OpOptions = {}): Promise<number[]> {
  const began: number[] = [];
  for await (const { key, modifiedMs } of listObjects(client, PREFIX, options)) {
    if (client.serverMs - modifiedMs > DEAD_MS) {
      await client.delete(key, options);
      continue;
    }
    const said = Number((await client.get(key, { ...options, maxSize: MAX_SIZE }))?.toString('latin1').trim());
    // An unreadable sign: the session may have begun at any time.
    began.push(Number.isSafeInteger(said) && said > 0 ? said : 0);
  }
  return began;
}
