import { VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import type { S3Client } from './s3-client.ts';
import { elementOf } from './s3-errors.ts';

/** An object as a listing has it. */
export interface ListedObject {
  /** Without the Store's prefix. */
  readonly key: string;
  readonly size: number;
  /** By the service's clock, milliseconds since 1970. */
  readonly modifiedMs: number;
  /** Another one for other contents. */
  readonly tag: string;
}

/** Objects whose keys begin with a prefix, ascending by key, 1000 a request. */
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

/** The folders that lie directly below a prefix, which ends with a slash: their names. */
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
