import type { OpOptions } from '../../base/op-options.ts';
import type { HashFunction } from '../../block/hash.ts';
import type { ListedBlock } from '../bucket-layout.ts';
import { listObjects } from '../list-objects.ts';
import type { S3Client } from '../s3-client.ts';
import { BLOCKS, digestOfBlockKey } from './block-keys.ts';

/** Parts of the bucket that are listed concurrently. Within a part, each page waits for the one before. */
const AT_ONCE = 8;
/** The digits in the names of Blocks. */
const HEX = [...'0123456789abcdef'];

/** Lists all single-Block objects, ascending by digest. A bucket with more than one page of them is listed in parts. */
export async function* listBlocks(
  client: S3Client,
  hash: HashFunction,
  options: OpOptions = {},
): AsyncGenerator<ListedBlock, void, undefined> {
  const ahead: Promise<ListedBlock[]>[] = [];
  const parts = await partsOf(client, options);
  for (let next = 0; next < parts.length || ahead.length > 0; ) {
    while (next < parts.length && ahead.length < AT_ONCE) {
      const part = listPart(client, hash, parts[next++] as string, options);
      part.catch(() => undefined); // reported where it is awaited
      ahead.push(part);
    }
    yield* (await ahead.shift()) ?? [];
  }
}

/** The digest prefixes of the parts, chosen so that a part of a large bucket has some thousand objects. */
async function partsOf(client: S3Client, options: OpOptions): Promise<readonly string[]> {
  let parts: readonly string[] = [''];
  // Digests are distributed evenly: the size of one part shows the size of all.
  for (const _ of [1, 2, 3]) {
    if (!(await hasManyPages(client, parts[0] as string, options))) break;
    parts = parts.flatMap((part) => HEX.map((digit) => part + digit));
  }
  return parts;
}

async function hasManyPages(client: S3Client, part: string, options: OpOptions): Promise<boolean> {
  return /<IsTruncated>true</.test(await client.list({ prefix: BLOCKS + part }, options));
}

async function listPart(client: S3Client, hash: HashFunction, part: string, options: OpOptions): Promise<ListedBlock[]> {
  const found: ListedBlock[] = [];
  for await (const { key, size, modifiedMs } of listObjects(client, BLOCKS + part, options)) {
    const digest = digestOfBlockKey(key, hash);
    if (digest !== undefined) found.push({ digest, size, modifiedMs });
  }
  return found;
}
