import { readFileSync } from 'node:fs';
import { VtError } from '../../base/errors.ts';
import { errorReason } from '../../base/system/system-error.ts';
import type { HttpResponse } from '../../http/client/http-transport.ts';
import { HttpTransport } from '../../http/client/http-transport.ts';
import { elementOf, refusalOf, refusalText } from '../s3-errors.ts';
import type { S3Keys } from '../sign-request.ts';
import { queryOf } from '../sign-request.ts';
import type { Environment } from './profile-keys.ts';

/** Temporary keys from a service. */
export interface LentKeys extends S3Keys {
  /** When they expire, in milliseconds since 1970. */
  readonly endMs: number;
}

/** Timeout of one request in milliseconds. It is short because outside a cloud nothing answers at these addresses. */
const MACHINE_MS = 1500;
const TOKEN_SERVICE_MS = 15_000;
const MAX_SIZE = 1024 * 1024;
const CONTAINER_HOST = 'http://169.254.170.2';
const MACHINE_HOST = 'http://169.254.169.254';

/**
 * Gets temporary keys of the machine or container: from a web identity (as in Kubernetes), from the container's agent, or from the
 * machine's metadata service, version 2. Resolves with undefined if there are none.
 *
 * @throws {VtError} EPERM if a service that the environment names refuses
 * @see https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html
 */
export async function keysOfMachine(environment: Environment, region: string): Promise<LentKeys | undefined> {
  const transport = new HttpTransport({ name: 'keys of the machine' });
  try {
    return (
      (await byWebIdentity(transport, environment, region)) ??
      (await byContainer(transport, environment)) ??
      (await byMachine(transport, environment))
    );
  } finally {
    transport.close();
  }
}

async function byWebIdentity(transport: HttpTransport, environment: Environment, region: string): Promise<LentKeys | undefined> {
  const { AWS_WEB_IDENTITY_TOKEN_FILE: file, AWS_ROLE_ARN: role, AWS_ROLE_SESSION_NAME: session = 'vtftp' } = environment;
  if (file === undefined || role === undefined) return undefined;
  const query = queryOf({
    Action: 'AssumeRoleWithWebIdentity',
    Version: '2011-06-15',
    RoleArn: role,
    RoleSessionName: session,
    WebIdentityToken: textOf(file).trim(),
  });
  const url = new URL(environment.AWS_ENDPOINT_URL_STS ?? `https://sts.${region}.amazonaws.com/`);
  url.search = query;
  const response = await ask(transport, url, { method: 'GET' }, TOKEN_SERVICE_MS);
  const xml = response.body.toString();
  const accessKeyId = elementOf(xml, 'AccessKeyId');
  const secretAccessKey = elementOf(xml, 'SecretAccessKey');
  if (response.status !== 200 || accessKeyId === undefined || secretAccessKey === undefined)
    throw new VtError('EPERM', `get keys by web identity: ${refusalText(refusalOf(response))}`);
  const endMs = new Date(elementOf(xml, 'Expiration') ?? '').getTime();
  return { accessKeyId, secretAccessKey, sessionToken: elementOf(xml, 'SessionToken'), endMs };
}

async function byContainer(transport: HttpTransport, environment: Environment): Promise<LentKeys | undefined> {
  const relative = environment.AWS_CONTAINER_CREDENTIALS_RELATIVE_URI;
  const address = relative === undefined ? environment.AWS_CONTAINER_CREDENTIALS_FULL_URI : `${CONTAINER_HOST}${relative}`;
  if (address === undefined) return undefined;
  const file = environment.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
  const token = file === undefined ? environment.AWS_CONTAINER_AUTHORIZATION_TOKEN : textOf(file).trim();
  const headers = token === undefined ? {} : { authorization: token };
  const response = await ask(transport, new URL(address), { method: 'GET', headers }, MACHINE_MS);
  return lentKeys(response, 'get keys from the container');
}

async function byMachine(transport: HttpTransport, environment: Environment): Promise<LentKeys | undefined> {
  if (environment.AWS_EC2_METADATA_DISABLED?.toLowerCase() === 'true') return undefined;
  const host = environment.AWS_EC2_METADATA_SERVICE_ENDPOINT ?? MACHINE_HOST;
  const at = (path: string): URL => new URL(`/latest/${path}`, host);
  let token: string;
  try {
    const headers = { 'x-aws-ec2-metadata-token-ttl-seconds': '300', 'content-length': '0' };
    const response = await ask(transport, at('api/token'), { method: 'PUT', headers }, MACHINE_MS);
    if (response.status !== 200) return undefined;
    token = response.body.toString();
  } catch {
    return undefined; // not a machine in a cloud
  }
  const headers = { 'x-aws-ec2-metadata-token': token };
  const roles = await ask(transport, at('meta-data/iam/security-credentials/'), { method: 'GET', headers }, MACHINE_MS);
  const [role = ''] = roles.status === 200 ? roles.body.toString().split('\n') : [];
  if (role === '') return undefined;
  const found = await ask(
    transport,
    at(`meta-data/iam/security-credentials/${encodeURIComponent(role)}`),
    { method: 'GET', headers },
    MACHINE_MS,
  );
  return lentKeys(found, 'get keys from the machine');
}

async function ask(
  transport: HttpTransport,
  url: URL,
  request: { readonly method: string; readonly headers?: Record<string, string> },
  ms: number,
): Promise<HttpResponse> {
  try {
    return await transport.ask({ url, ...request, maxSize: MAX_SIZE, signal: AbortSignal.timeout(ms) });
  } catch (error) {
    throw new VtError('EPERM', `get keys from "${url.host}": ${errorReason(error)}`, { cause: error });
  }
}

function lentKeys(response: HttpResponse, action: string): LentKeys {
  const text = response.body.toString();
  let said: Partial<Record<string, unknown>> = {};
  try {
    if (response.status === 200) said = JSON.parse(text) as Partial<Record<string, unknown>>;
  } catch {
    // Reported below.
  }
  const { AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey, Token: sessionToken, Expiration: end } = said;
  if (typeof accessKeyId !== 'string' || typeof secretAccessKey !== 'string' || typeof sessionToken !== 'string')
    throw new VtError('EPERM', `${action}: it answered with ${response.status} and without keys`);
  return { accessKeyId, secretAccessKey, sessionToken, endMs: new Date(String(end)).getTime() };
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new VtError('EPERM', `read "${path}": ${errorReason(error)}`, { cause: error });
  }
}
