import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { it } from 'node:test';
import { ParseError, VtError } from '../../../core/base/errors.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { keyFinder } from '../../../core/s3/credentials/find-keys.ts';
import { readProfile } from '../../../core/s3/credentials/profile-keys.ts';
import { decodeSegment, encodeSegment } from '../../../core/s3/index-segment.ts';
import { RequestLimit } from '../../../core/s3/request-limit.ts';
import { formatRetired, parseRetired } from '../../../core/s3/retired-packs.ts';
import { objectUrl, parseS3Address, s3Endpoint } from '../../../core/s3/s3-address.ts';
import { signedHeaders } from '../../../core/s3/sign-request.ts';
import { DatafileIndex } from '../../../core/store/records/datafile-index.ts';
import { makeScratch } from '../../support/scratch.ts';

it('addresses name a bucket and a prefix', () => {
  for (const [text, bucket, prefix] of [
    ['//bucket', 'bucket', ''],
    ['//bucket/', 'bucket', ''],
    ['//my.bucket/a//b/', 'my.bucket', 'a/b/'],
    ['//bucket/some (prefix)', 'bucket', 'some (prefix)/'],
  ] as const)
    assert.deepEqual(parseS3Address(text, 's3:'), { bucket, prefix });
  for (const text of ['', 'bucket', '/bucket', '//b', '//bucket/../x', '//bucket/a?b', '//buc ket'])
    assert.throws(
      () => parseS3Address(text, 's3:'),
      (error) => error instanceof VtError && error.code === 'EOPEN',
    );
});

it('objects have URLs by path or by host', () => {
  const at = (endpoint: string | undefined, style: 'path' | 'host' | undefined, bucket = 'bucket'): string =>
    objectUrl(s3Endpoint(endpoint, style, { region: 'eu-west-1', bucket, store: 's3:' }), bucket, "a b/c(1)!*'ü").href;
  const key = 'a%20b/c%281%29%21%2A%27%C3%BC';
  assert.equal(at(undefined, undefined), `https://bucket.s3.eu-west-1.amazonaws.com/${key}`);
  assert.equal(at(undefined, undefined, 'my.bucket'), `https://s3.eu-west-1.amazonaws.com/my.bucket/${key}`);
  assert.equal(at('http://127.0.0.1:9000', undefined), `http://127.0.0.1:9000/bucket/${key}`);
  assert.equal(at('https://s3.example/base', 'host'), `https://bucket.s3.example/base/${key}`);
  for (const endpoint of ['ftp://x', 'nonsense', 'http://user@host', 'http://host/?a'])
    assert.throws(
      () => at(endpoint, undefined),
      (error) => error instanceof VtError && error.code === 'EOPEN',
    );
});

it('a request is signed as in the example of the documentation of AWS', () => {
  // https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html, "GET Bucket (List Objects)"
  const headers = signedHeaders(
    {
      method: 'GET',
      url: new URL('https://examplebucket.s3.amazonaws.com/?max-keys=2&prefix=J'),
      region: 'us-east-1',
      bodyHash: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
      now: new Date('2013-05-24T00:00:00.000Z'),
    },
    { accessKeyId: 'AKIAIOSFODNN7EXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' },
  );
  assert.match(headers['authorization'] ?? '', /Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7$/);
  assert.match(headers['authorization'] ?? '', /SignedHeaders=host;x-amz-content-sha256;x-amz-date,/);
});

const SHA256 = hashByName('sha256');

// A segment made by hand: one pack of 1000 octets with one Block, 0x11 32 times, of 5 octets at 120.
const SEGMENT = [
  '897674690d0a1a0a01',
  SHA256.enumeration.toString(16).padStart(2, '0'),
  '6400',
  'CHECK',
  '00112233445566778899aabbccddeeff',
  'e8030000',
  '01000000',
  '11'.repeat(32),
  '780000000000',
  '00',
  '00',
  '05000000',
  '05000000',
].join('');

it('a segment of the index has the octets that vt(5) says', () => {
  const place = { offset: 120, storedSize: 5, size: 5, codec: 'none' } as const;
  const entries = Buffer.from(SEGMENT.slice(SEGMENT.indexOf('01000000') + 8), 'hex');
  const pack = { name: 'd-00112233445566778899aabbccddeeff', size: 1000, index: new DatafileIndex(32, [entries]) };
  const octets = encodeSegment('d', [pack], SHA256);
  assert.equal(octets.toString('hex'), SEGMENT.replace('CHECK', octets.toString('hex', 12, 16)));
  const [found] = decodeSegment(octets, SHA256);
  assert.deepEqual([found?.name, found?.size, found?.index.find(Buffer.alloc(32, 0x11))], [pack.name, 1000, place]);
  for (let length = 0; length < octets.length; length++) assert.throws(() => decodeSegment(octets.subarray(0, length), SHA256), ParseError);
  for (let at = 0; at < octets.length; at++) {
    const flipped = Buffer.from(octets);
    flipped[at] = (flipped[at] ?? 0) ^ 0x40;
    // What is not checked is the kind and the zero behind it.
    if (at !== 10 && at !== 11) assert.throws(() => decodeSegment(flipped, SHA256), VtError);
  }
});

it('a list of retired packs comes back, and a damaged one is refused', () => {
  const packs = ['d-00112233445566778899aabbccddeeff', 'm-ffeeddccbbaa99887766554433221100'];
  assert.deepEqual(parseRetired(formatRetired(packs)), packs);
  assert.deepEqual(parseRetired(formatRetired([])), []);
  assert.throws(() => parseRetired(formatRetired(packs).replace('d-00', 'd-01')), ParseError);
  assert.throws(() => parseRetired(formatRetired(packs).slice(0, -3)), ParseError);
});

it('keys come from the environment, else from a profile; a profile that is named goes before', async (t) => {
  const scratch = makeScratch(t);
  mkdirSync(scratch.path('.aws'));
  writeFileSync(
    scratch.path('.aws/credentials'),
    '[default]\naws_access_key_id = DEF\naws_secret_access_key = a=b;c\n[me.too]\naws_access_key_id=ME\naws_secret_access_key=x\naws_session_token=T\n',
  );
  writeFileSync(
    scratch.path('.aws/config'),
    '[default]\nregion = eu-west-1\n[profile me.too]\nregion=eu-west-2\nendpoint_url=http://s3.example\n',
  );
  const inEnvironment = { AWS_ACCESS_KEY_ID: 'ENV', AWS_SECRET_ACCESS_KEY: 'secret' };
  const keyOf = async (environment: Record<string, string>, asked?: string): Promise<string> => {
    const profile = readProfile(asked, environment, scratch.folder);
    return (await keyFinder({ environment, profile, isProfileAsked: asked !== undefined, region: 'r' })()).accessKeyId;
  };
  assert.equal(await keyOf({}), 'DEF');
  assert.equal(await keyOf(inEnvironment), 'ENV');
  assert.equal(await keyOf({ AWS_PROFILE: 'me.too' }), 'ME');
  assert.equal(await keyOf(inEnvironment, 'me.too'), 'ME');
  assert.deepEqual(readProfile('me.too', {}, scratch.folder), {
    keys: { accessKeyId: 'ME', secretAccessKey: 'x', sessionToken: 'T' },
    region: 'eu-west-2',
    endpoint: 'http://s3.example',
  });
  assert.throws(
    () => readProfile('nobody', {}, scratch.folder),
    (error) => error instanceof VtError && error.code === 'EOPEN',
  );
});

it('keys are lent by a container, a machine and a web identity, and asked for anew before they end', async (t) => {
  const scratch = makeScratch(t);
  let asked = 0;
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://x');
    const end = new Date(Date.now() + 60_000).toISOString();
    const lent = JSON.stringify({ AccessKeyId: `LENT${asked}`, SecretAccessKey: 's', Token: 't', Expiration: end });
    if (url.pathname === '/latest/api/token') response.end(request.method === 'PUT' ? 'token' : '');
    else if (url.pathname === '/latest/meta-data/iam/security-credentials/' && request.headers['x-aws-ec2-metadata-token'] === 'token')
      response.end('role one');
    else if (url.pathname === '/latest/meta-data/iam/security-credentials/role%20one' || request.headers.authorization === 'Bearer pod') {
      asked++;
      response.end(lent);
    } else if (url.searchParams.get('Action') === 'AssumeRoleWithWebIdentity' && url.searchParams.get('WebIdentityToken') === 'web&token')
      response.end(
        `<R><Credentials><AccessKeyId>WEB</AccessKeyId><SecretAccessKey>s&amp;1</SecretAccessKey><SessionToken>t</SessionToken><Expiration>${end}</Expiration></Credentials></R>`,
      );
    else response.writeHead(403).end('<Error><Code>AccessDenied</Code></Error>');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const at = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  writeFileSync(scratch.path('token'), 'web&token\n');
  const finder = (environment: Record<string, string>) =>
    keyFinder({ environment, profile: { keys: undefined, region: undefined, endpoint: undefined }, isProfileAsked: false, region: 'r' });
  const machine = finder({ AWS_EC2_METADATA_SERVICE_ENDPOINT: at });
  assert.equal((await machine()).accessKeyId, 'LENT0');
  // They end in a minute, which is soon.
  assert.equal((await machine()).accessKeyId, 'LENT1');
  const container = finder({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}keys`, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'Bearer pod' });
  assert.equal((await container()).sessionToken, 't');
  const web = finder({ AWS_WEB_IDENTITY_TOKEN_FILE: scratch.path('token'), AWS_ROLE_ARN: 'arn:x', AWS_ENDPOINT_URL_STS: at });
  assert.deepEqual([(await web()).accessKeyId, (await web()).secretAccessKey], ['WEB', 's&1']);
  await assert.rejects(
    finder({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${at}keys` })(),
    (error) => error instanceof VtError && error.code === 'EPERM',
  );
});

it('fewer requests at a time are made of a service that asks for less', async () => {
  const limit = new RequestLimit();
  let underWay = 0;
  let most = 0;
  const ask = async (isRefused: boolean): Promise<void> =>
    await limit.run(async (refused) => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setImmediate(resolve));
      if (isRefused) refused();
      underWay--;
    });
  await Promise.all(Array.from({ length: 30 }, async () => await ask(false)));
  assert.ok(most > 8 && most <= 32, `${most}`);
  for (let i = 0; i < 8; i++) await ask(true);
  most = 0;
  await Promise.all([ask(true), ask(true), ask(true)]);
  assert.equal(most, 1);
});
