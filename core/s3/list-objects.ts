import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { S3Client } from './s3-client.ts';
import { elementOf } from './s3-errors.ts';

/** An object in a listing. */
export interface ListedObject {
  /** Without the Store's prefix. */
  readonly key: string;
  readonly size: number;
  /** Milliseconds since 1970, by the service's clock. */
  readonly modifiedMs: number;
  /** The entity tag, which changes with the contents. */
  readonly tag: string;
}

/**
 * Lists the objects with a key prefix, in ascending order of keys; 1000 per request.
 *
 * @throws {VtError} EFAILED if the service lists a key without the prefix
 */
export async function* listObjects(
  client: S3Client,
  prefix: string,
  options: OpOptions = {},
): AsyncGenerator<ListedObject, void, undefined> {
  for await (const page of pages(client, { prefix }, options)) {
    for (const [, inner = ''] of page.matchAll(/<Contents>(.*?)<\/Contents>/gs)) {
      const key = elementOf(inner, 'Key') ?? '';
      if (!key.startsWith(client.prefix + prefix))
        throw new VtError('EFAILED', `list "${client.name}": the service lists "${key}", which is outside the request`);
      yield {
        key: key.slice(client.prefix.length),
        size: Number(elementOf(inner, 'Size')),
        modifiedMs: new Date(elementOf(inner, 'LastModified') ?? '').getTime(),
        tag: elementOf(inner, 'ETag') ?? '',
      };
    }
  }
}

/** Lists the names of the folders directly below a prefix, which must end with a slash. */
export async function listFolders(client: S3Client, prefix: string, options: OpOptions = {}): Promise<string[]> {
  const found: string[] = [];
  for await (const page of pages(client, { prefix, delimiter: '/' }, options)) {
    for (const [, inner = ''] of page.matchAll(/<CommonPrefixes>(.*?)<\/CommonPrefixes>/gs))
      found.push((elementOf(inner, 'Prefix') ?? '').slice(client.prefix.length + prefix.length, -1));
  }
  return found;
}

async function* pages(
  client: S3Client,
  query: Readonly<Record<string, string>>,
  options: OpOptions,
): AsyncGenerator<string, void, undefined> {
  for (let token: string | undefined; ; ) {
    const page = await client.list({ ...query, ...(token === undefined ? {} : { 'continuation-token': token }) }, options);
    yield page;
    const next = elementOf(page, 'IsTruncated') === 'true' ? elementOf(page, 'NextContinuationToken') : undefined;
    if (next === undefined || next === token) return;
    token = next;
  }
}
