import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseRoute } from '../../../core/http/routes.ts';

for (const [path, name, state] of [
  ['/archive/default/', 'default', undefined],
  ['/archive/default@3/x', 'default', '3'],
  ['/archive/default@2026-11-30T13:00%2B01:00', 'default', '2026-11-30T13:00+01:00'],
  ['/archive/me%40host/', 'me@host', undefined],
  ['/archive/me%40host@2/', 'me@host', '2'],
] as const) {
  test(`${path} is of the archive ${name}`, () => {
    const route = parseRoute(path);
    assert.ok(route?.kind === 'archive');
    assert.deepEqual([route.name, route.state], [name, state]);
  });
}

test('a name or a state that is no text leads nowhere', () => {
  for (const path of ['/archive/%ff/', '/archive/default@%ff/', '/archive//']) assert.equal(parseRoute(path), undefined);
});
