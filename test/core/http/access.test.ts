import assert from 'node:assert/strict';
import type { IncomingMessage } from 'node:http';
import { test } from 'node:test';
import { admit, OwnNames } from '../../../core/http/access.ts';
import { ownerTable } from '../../../core/rights/rights-table.ts';

const TOKEN = Buffer.from('sixteen-octets-!');
const NAMES = new OwnNames(new Set(['files.example']));

function status(headers: Record<string, string>, token?: Uint8Array): number | undefined {
  const table = token && ownerTable(token);
  const admission = admit({ headers } as unknown as IncomingMessage, { table, names: NAMES }, () => new Date());
  return 'status' in admission ? admission.status : undefined;
}

const basic = (pair: string): string => `Basic ${Buffer.from(pair).toString('base64')}`;

for (const host of ['127.0.0.1:8080', '[::1]:8080', 'localhost', 'LocalHost:80', 'files.example:8080', '192.0.2.7']) {
  test(`a request for "${host}" is answered`, () => assert.equal(status({ host }), undefined));
}

for (const host of ['', 'evil.example', 'localhost.evil.example', '127.0.0.1.evil.example:8080', '[::1].evil.example']) {
  test(`a request for "${host}" is not, unless it brings a token`, () => {
    assert.equal(status({ host }), 421);
    assert.equal(status({ host, authorization: basic(`me:${TOKEN.toString()}`) }, TOKEN), undefined);
  });
}

const ANSWERS: readonly (readonly [header: string | undefined, status: number | undefined])[] = [
  [undefined, 401],
  [basic(`anybody:${TOKEN.toString()}`), undefined],
  [basic(`:${TOKEN.toString()}`), undefined],
  [basic(TOKEN.toString()), 401],
  [basic('anybody:sixteen-octets-?'), 401],
  ['Bearer x', 401],
  [`Bearer ${TOKEN.toString()}`, undefined],
  [`Digest ${TOKEN.toString()}`, 401],
];

for (const [header, expected] of ANSWERS) {
  test(`with a token "${header ?? 'nothing'}" gives ${expected ?? 'an answer'}`, () =>
    assert.equal(status({ host: 'a', ...(header === undefined ? {} : { authorization: header }) }, TOKEN), expected));
}
