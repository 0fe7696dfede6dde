import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Octets } from '../../../../core/base/octets.ts';
import { ownerNamesFrom, systemOwnerNames } from '../../../../core/base/system/owner-names.ts';

const o = (text: string): Octets => text as Octets;

test('owner names are read from passwd and group, the first of two counts, and odd lines are passed over', () => {
  const names = ownerNamesFrom(
    o('root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n# c:x:5:\nbad\nbad:x:-1:\nann:x:1000:1000\nann:x:1001:1\n'),
    o('wheel:x:0:\nstaff:x:50:ann'),
  );
  assert.equal(names.userName(0), 'root');
  assert.equal(names.userId(o('toor')), 0);
  assert.equal(names.userName(1000), 'ann');
  assert.equal(names.userId(o('ann')), 1000);
  assert.equal(names.userName(5), undefined);
  assert.equal(names.userId(o('bad')), undefined);
  assert.equal(names.groupName(50), 'staff');
  assert.equal(names.groupId(o('wheel')), 0);
});

test('this machine knows root, and a folder without the files knows nobody', () => {
  assert.equal(systemOwnerNames().userName(0), 'root');
  assert.equal(systemOwnerNames('/nonexistent').userName(0), undefined);
});
