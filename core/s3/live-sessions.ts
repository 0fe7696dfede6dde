import { randomUUID } from 'node:crypto';
import type { OpOptions } from '../base/op-options.ts';
import { listObjects } from './list-objects.ts';
import type { S3Client } from './s3-client.ts';

const PREFIX = 'sessions/';
/** Milliseconds between signs of life; the first comes so long after the beginning. A shorter session is well within gc's grace. */
const SIGN_MS = 10 * 60_000;
/** A session that gave no sign for so many milliseconds, by the service's clock, is dead. */
const DEAD_MS = 60 * 60_000;
const MAX_SIZE = 64;

/** Tells gc that a session which may write is at work: nothing that was retired since it began is removed. */
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

/** When each session that is at work began, by the service's clock. What dead ones left is removed. */
export async function liveSessions(client: S3Client, options: OpOptions = {}): Promise<number[]> {
  const began: number[] = [];
  for await (const { key, modifiedMs } of listObjects(client, PREFIX, options)) {
    if (client.serverMs - modifiedMs > DEAD_MS) {
      await client.delete(key, options);
      continue;
    }
    const said = Number((await client.get(key, { ...options, maxSize: MAX_SIZE }))?.toString('latin1').trim());
    // One that says nothing that can be read may have begun at any time.
    began.push(Number.isSafeInteger(said) && said > 0 ? said : 0);
  }
  return began;
}
