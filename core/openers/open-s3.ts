import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { VtError } from '../base/errors.ts';
import { requireHomeFolder } from '../base/system/home-folder.ts';
import { readEdgeSizes } from '../block/edges-text.ts';
import { DEFAULT_HASH_NAME } from '../block/hash.ts';
import { edgesFor } from '../datadir/datadir-format.ts';
import type { BucketFormat } from '../s3/bucket-format.ts';
import { readBucketFormat } from '../s3/bucket-format.ts';
import { keyFinder } from '../s3/credentials/find-keys.ts';
import type { Environment } from '../s3/credentials/profile-keys.ts';
import { readProfile } from '../s3/credentials/profile-keys.ts';
import { Retention } from '../s3/retention.ts';
import type { AddressStyle } from '../s3/s3-address.ts';
import { parseS3Address, s3Endpoint } from '../s3/s3-address.ts';
import { S3Client } from '../s3/s3-client.ts';
import { S3Store } from '../s3/s3-store.ts';
import type { Store } from '../store/store.ts';
import { readKeyFile } from '../wire/links/tls-keys.ts';
import { expandHome } from './home-path.ts';
import type { OpenContext } from './opener.ts';
import type { StoreParameters } from './specification.ts';
import { hashParameter, textParameter } from './specification.ts';

const DEFAULT_REGION = 'us-east-1';

/**
 * Opens `s3://BUCKET/PREFIX`, a Store in a bucket. If `create` allows it, a missing one is created, at the latest by the first write.
 *
 * @throws {VtError} EOPEN if there is none, EPERM if the keys give no access, ECANCELLED
 */
export async function openS3Store(given: StoreParameters, context: OpenContext): Promise<Store> {
  const { name, readOnly = false, clock = () => new Date(), signal } = context;
  const client = s3Client(given, context);
  try {
    if (!readOnly && client.retention !== undefined && !(await client.hasObjectLock({ signal })))
      throw new VtError('EOPEN', `open Store "${name}": the bucket has no Object Lock`, {
        remedy: 'make a bucket with Object Lock, or leave out retain',
      });
    const found = await readBucketFormat(client, { signal });
    if (found === undefined && (readOnly || context.create === undefined || context.create === false))
      throw new VtError('EOPEN', `open Store "${name}": there is no Store at that prefix`, { remedy: 'the first put makes one' });
    const asked = hashParameter(given);
    if (found !== undefined && asked !== undefined && asked !== found.hashName)
      throw new VtError('EOPEN', `open Store "${name}": its hash function is ${found.hashName}`, { remedy: `leave out hash=${asked}` });
    const layout = textParameter(given, 'layout');
    if (found !== undefined && layout !== undefined && layout !== found.layout)
      throw new VtError('EOPEN', `open Store "${name}": its layout is ${found.layout}`, { remedy: `leave out layout=${layout}` });
    const cachePath = join(context.cachePath ?? requireHomeFolder(undefined, 'the cache'), 's3');
    const store = new S3Store({
      client,
      format: found ?? newFormat(given, context),
      isMade: found !== undefined,
      isReadOnly: readOnly,
      cachePath,
      clock,
    });
    if (found === undefined && context.create === true) await store.make({ signal });
    return store;
  } catch (error) {
    client.close();
    if (error instanceof VtError && error.code !== 'EFAILED') throw error;
    throw new VtError('EOPEN', `open Store "${name}": ${error instanceof Error ? error.message : String(error)}`, { cause: error });
  }
}

function s3Client(given: StoreParameters, context: OpenContext): S3Client {
  const { name, homePath } = context;
  const environment: Environment = context.environment ?? {};
  const address = parseS3Address(textParameter(given, 'address') ?? '', name);
  const asked = textParameter(given, 'profile');
  const profile = readProfile(asked, environment, homePath);
  const region =
    textParameter(given, 'region') ?? environment.AWS_REGION ?? environment.AWS_DEFAULT_REGION ?? profile.region ?? DEFAULT_REGION;
  const endpoint = textParameter(given, 'endpoint') ?? environment.AWS_ENDPOINT_URL_S3 ?? environment.AWS_ENDPOINT_URL ?? profile.endpoint;
  const style = textParameter(given, 'style') as AddressStyle | undefined;
  const ca = textParameter(given, 'ca');
  const retainDays = given.retain;
  return new S3Client({
    name,
    address,
    endpoint: (found) => s3Endpoint(endpoint, style, { region: found, bucket: address.bucket, store: name }),
    region,
    keys:
      textParameter(given, 'keys') === 'none'
        ? async () => await Promise.resolve(undefined)
        : keyFinder({ environment, profile, isProfileAsked: asked !== undefined, region }),
    ca: ca === undefined ? undefined : readKeyFile(expandHome(ca, homePath)),
    retention: typeof retainDays === 'number' ? new Retention(retainDays) : undefined,
  });
}

function newFormat(given: StoreParameters, { name, hashName }: OpenContext): BucketFormat {
  const compression = textParameter(given, 'compression') === 'zlib' ? 'zlib' : 'none';
  const layout = textParameter(given, 'layout') === 'blocks' ? 'blocks' : 'packs';
  if (layout === 'blocks' && compression !== 'none')
    throw new VtError('EOPEN', `open Store "${name}": layout=blocks keeps Blocks as they are`, {
      remedy: `leave out compression=${compression}`,
    });
  const usual = edgesFor(compression);
  const sizes = readEdgeSizes(textParameter(given, 'edges') ?? '');
  return {
    storeId: randomUUID(),
    hashName: hashParameter(given) ?? hashName ?? DEFAULT_HASH_NAME,
    edges: sizes === undefined ? usual : { kernel: usual.kernel, ...sizes },
    compression,
    layout,
  };
}
