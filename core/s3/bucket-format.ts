import { ParseError, VtError } from '../base/errors.ts';
import type { OpOptions } from '../base/op-options.ts';
import { DEFAULT_SHARED } from '../base/system/store-files.ts';
import type { DatadirFormat } from '../datadir/datadir-format.ts';
import { formatDatadirFormat, parseDatadirFormat } from '../datadir/datadir-format.ts';
import { DEFAULT_DURABILITY } from '../store/durability.ts';
import type { StoredCompression } from '../store/records/stored-bytes.ts';
import type { LayoutName } from './bucket-layout.ts';
import type { S3Client } from './s3-client.ts';

/** The key of the object that identifies a Store. @see vt(5), "Stores in buckets" */
const FORMAT_KEY = 'vtftp-store';
const LAYOUTS: readonly LayoutName[] = ['packs', 'blocks'];
const MAX_SIZE = 64 * 1024;

/** The format of a Store in a bucket: as of a datadir, but without frames, which would take two requests per read; and its layout. */
export interface BucketFormat extends Pick<DatadirFormat, 'storeId' | 'hashName' | 'edges'> {
  readonly compression: StoredCompression;
  readonly layout: LayoutName;
}

/**
 * Reads a Store's format; undefined if there is no Store.
 *
 * @throws {VtError} EUNSUPPORTED for a later version or an unknown layout, {ParseError} if it is damaged
 */
export async function readBucketFormat(client: S3Client, options: OpOptions = {}): Promise<BucketFormat | undefined> {
  const body = await client.get(FORMAT_KEY, { ...options, maxSize: MAX_SIZE });
  if (body === undefined) return undefined;
  const text = body.toString('utf8');
  const said = /^layout=(.*)$/m.exec(text)?.[1];
  if (said === undefined) throw new ParseError(`read "${client.name}": "${FORMAT_KEY}" names no layout`, 0);
  const layout = LAYOUTS.find((known) => known === said);
  if (layout === undefined)
    throw new VtError('EUNSUPPORTED', `open Store "${client.name}": its layout is "${said}"`, { remedy: 'use a later vtftp' });
  const { storeId, hashName, edges, compression } = parseDatadirFormat(text);
  if (compression === 'zstd')
    throw new VtError('EUNSUPPORTED', `open Store "${client.name}": its compression is zstd`, { remedy: 'use a later vtftp' });
  return { storeId, hashName, edges, compression, layout };
}

/**
 * Creates a Store. If another session does so at the same time, the session whose object remains wins.
 *
 * @returns the Store's format from now on
 */
export async function makeBucketFormat(client: S3Client, format: BucketFormat, options: OpOptions = {}): Promise<BucketFormat> {
  const text = formatDatadirFormat({ ...format, generation: 0, durability: DEFAULT_DURABILITY, shared: DEFAULT_SHARED });
  await client.putNew(FORMAT_KEY, Buffer.from(`${text}layout=${format.layout}\n`), options);
  return (await readBucketFormat(client, options)) ?? format;
}
