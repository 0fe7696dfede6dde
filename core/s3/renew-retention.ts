import type { OpOptions } from '../base/op-options.ts';
import type { HashFunction } from '../block/hash.ts';
import { atOnce } from './at-once.ts';
import { blockKey } from './blocks/block-keys.ts';
import { listBlocks } from './blocks/list-blocks.ts';
import { listObjects } from './list-objects.ts';
import type { PackName } from './pack-names.ts';
import { packOfKey } from './pack-names.ts';
import type { S3Client } from './s3-client.ts';

/** What renewal uses. */
export interface RenewalParts {
  readonly client: S3Client;
  readonly hash: HashFunction;
  readonly isRetired: (pack: PackName) => boolean;
  readonly isNeeded: (digest: Uint8Array) => boolean;
}

/** Renews the retention of needed objects that are old enough. It runs with gc: without gc, the protection expires. */
export async function renewRetention({ client, hash, isRetired, isNeeded }: RenewalParts, options: OpOptions): Promise<void> {
  const { retention } = client;
  if (retention === undefined) return;
  const isDue = ({ modifiedMs }: { readonly modifiedMs: number }): boolean => client.serverMs - modifiedMs >= retention.renewAfterMs;
  const keys: string[] = [];
  for (const prefix of ['vtftp-store', 'archives/', 'index/', 'packs/'])
    for await (const object of listObjects(client, prefix, options)) {
      const pack = packOfKey(object.key);
      if (isDue(object) && retention.keeps(object.key) && (pack === undefined || !isRetired(pack))) keys.push(object.key);
    }
  for await (const object of listBlocks(client, hash, options))
    if (isDue(object) && isNeeded(object.digest)) keys.push(blockKey(object.digest, hash));
  await atOnce(keys, async (key) => await client.retain(key, options));
}
