import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { throwIfCancelled, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { ListedObject } from './list-objects.ts';
import { listObjects } from './list-objects.ts';
import type { S3Client } from './s3-client.ts';

/** A lock not renewed for this many milliseconds, by the service's clock, belongs to a dead process. */
const STALE_MS = 120_000;
/** Milliseconds between renewals; and after the last renewal until the holder must not rely on its lock. */
const RENEW_MS = 20_000;
const TRUSTED_MS = 60_000;
const FIRST_PAUSE_MS = 50;
const MAX_PAUSE_MS = 3000;

/** A locked prefix. */
export interface LockedPrefix {
  /** The objects below it when the lock was acquired. */
  readonly objects: readonly ListedObject[];
  /** @throws {VtError} ELOCKED if another process may have treated the lock as a dead process's */
  check(): void;
}

/**
 * Runs an action with an exclusive lock on a prefix. It only requires that a listing shows all objects stored before it. Each session
 * stores a lock object of its own and then lists the others. Of two concurrent sessions, at least one sees the other,
 * withdraws, and tries again.
 *
 * @throws errors of `run` and of the service; ELOCKED only comes from {@link LockedPrefix.check}
 */
export async function withPrefixLock<T>(
  client: S3Client,
  { prefix, action }: { readonly prefix: string /** For messages. */; readonly action: string },
  run: (locked: LockedPrefix) => Promise<T>,
  options: OpOptions = {},
): Promise<T> {
  const own = `${lockPrefix(prefix)}${randomUUID()}`;
  const objects = await acquire(client, prefix, own, options);
  let renewedMs = performance.now();
  const timer = setInterval(() => {
    const startMs = performance.now();
    client.put(own, Buffer.alloc(0)).then(
      () => {
        renewedMs = startMs;
      },
      () => undefined,
    );
  }, RENEW_MS);
  try {
    const check = (): void => {
      if (performance.now() - renewedMs > TRUSTED_MS)
        throw new VtError('ELOCKED', `${action} "${client.name}": the lock could not be renewed`, {
          remedy: 'run the command again',
        });
    };
    return await run({ objects, check });
  } finally {
    clearInterval(timer);
    await client.delete(own).catch(() => undefined);
  }
}

/** The prefix of lock keys, which sorts after all other keys. */
function lockPrefix(prefix: string): string {
  return `${prefix}~lock-`;
}

async function acquire(client: S3Client, prefix: string, own: string, options: OpOptions): Promise<readonly ListedObject[]> {
  for (let waitMs = FIRST_PAUSE_MS; ; waitMs = Math.min(MAX_PAUSE_MS, waitMs * 2)) {
    await client.put(own, Buffer.alloc(0), options);
    let others = 0;
    const objects: ListedObject[] = [];
    try {
      for await (const object of listObjects(client, prefix, options)) {
        objects.push(object);
        if (!object.key.startsWith(lockPrefix(prefix)) || object.key === own) continue;
        if (client.serverMs - object.modifiedMs > STALE_MS) await client.delete(object.key, options);
        else others++;
      }
      if (others === 0) return objects;
    } catch (error) {
      await client.delete(own).catch(() => undefined);
      throw error;
    }
    await client.delete(own, options);
    const { signal } = options;
    await pause(waitMs * Math.random(), undefined, signal === undefined ? {} : { signal }).catch(() => throwIfCancelled(signal));
  }
}
