import assert from 'node:assert/strict';
import { chmodSync, rmSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import { mayAddTo, parseRights, readGrant } from '../../../core/rights/rights.ts';
import { isSecretOf, parseRightsLine } from '../../../core/rights/rights-line.ts';
import { ownerTable, RightsFile } from '../../../core/rights/rights-table.ts';
import { makeScratch } from '../../support/scratch.ts';
import { rightsText, SECRETS, writeRights } from './rights-fixture.ts';

const NAMES = ['family', 'anna', 'anna-old', 'a b'];

const RIGHTS: readonly (readonly [words: string, reads: readonly string[], adds: readonly string[], uses: readonly string[]])[] = [
  ['all', NAMES, NAMES, ['', 'photos']],
  ['read', NAMES, [], ['']],
  ['add', NAMES, NAMES, ['']],
  ['read add=anna', NAMES, ['anna'], ['']],
  ['add=anna*', ['anna', 'anna-old'], ['anna', 'anna-old'], ['']],
  ['read=family/photos/2024', ['family:photos/2024'], [], ['']],
  ['read=family/,anna', ['family', 'anna'], [], ['']],
  ['read=*/photos', ['family:photos', 'anna:photos', 'anna-old:photos', 'a b:photos'], [], ['']],
  ['read=a%20b/x%2Cy', ['a b:x,y'], [], ['']],
  ['add=anna read=anna/photos', ['anna'], ['anna'], ['']],
  ['read export=photos', NAMES, [], ['photos']],
  ['read export=-,photos', NAMES, [], ['', 'photos']],
  ['read export=*', NAMES, [], ['', 'photos']],
  ['all export=photos', NAMES, NAMES, ['photos']],
];

for (const [words, reads, adds, uses] of RIGHTS) {
  test(`"${words}" gives what it says, and no more`, () => {
    const rights = parseRights(words.split(' '));
    const shown = NAMES.flatMap((name) => {
      const grant = readGrant(rights, name);
      return grant === undefined ? [] : [grant.below.length === 0 ? name : `${name}:${grant.below.join('/')}`];
    });
    assert.deepEqual(shown, reads);
    assert.deepEqual(
      NAMES.filter((name) => mayAddTo(rights, name)),
      adds,
    );
    assert.deepEqual(
      ['', 'photos'].filter((name) => rights.mayUse(name)),
      uses,
    );
  });
}

const BAD: readonly (readonly [line: string, message: RegExp])[] = [
  ['anna', /"anna": its secret has 0 characters/],
  ['anna short read', /its secret has 5 characters/],
  ['anna sixteen-octets-ü read', /not ASCII/],
  ['anna sixteen-octets-!', /"anna": it gives no right/],
  ['anna sixteen-octets-! export=x', /it gives no right/],
  ['anna sixteen-octets-! raed', /"raed" gives no right/],
  ['anna sixteen-octets-! all=x', /"all=x" gives no right/],
  ['an:na sixteen-octets-! read', /its name/],
  ['anna sha256:abc read', /not a SHA-256/],
];

for (const [line, message] of BAD) {
  test(`the line "${line}" is refused, and its secret is not told`, () => {
    assert.throws(
      () => parseRightsLine(line),
      (error: unknown) =>
        error instanceof VtError && error.code === 'EUSAGE' && message.test(error.message) && !error.message.includes('sixteen'),
    );
  });
}

test('a secret is known by its hash', () => {
  const holder = parseRightsLine('anna sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 read');
  assert.ok(holder !== undefined && holder.secret === undefined);
  assert.ok(isSecretOf(holder, Buffer.from('test')));
  assert.ok(!isSecretOf(holder, Buffer.from('tesT')));
});

test('lines that say nothing are passed over', () => {
  for (const line of ['', '   ', '# anna sixteen-octets-! read', '  # x']) assert.equal(parseRightsLine(line), undefined);
});

test('a file is looked at for each question; who stays is the same, and who is gone is gone', (t) => {
  const scratch = makeScratch(t);
  const notices: string[] = [];
  const file = writeRights(scratch.folder);
  const table = RightsFile.open(file, (notice) => notices.push(notice));
  const before = table.holders();
  assert.deepEqual(
    before.map(({ name }) => name),
    Object.keys(SECRETS),
  );
  assert.equal(table.holders()[0], before[0]);
  writeRights(scratch.folder, rightsText(['reader']));
  const after = table.holders();
  assert.deepEqual(
    after.map(({ name }) => name),
    ['owner', 'adder', 'anna', 'friend'],
  );
  assert.equal(after[0], before[0]);
  // Another right of the same holder is another line.
  writeRights(scratch.folder, rightsText().replace(' read\n', ' add\n'));
  assert.ok(!before.includes(table.holders()[1] as never));
  assert.deepEqual(notices, []);
  writeFileSync(file, `${rightsText()}broken\nanna2 ${SECRETS.anna} read\nanna ${'x'.repeat(20)} read\n`);
  assert.equal(table.holders().length, 5);
  assert.equal(notices.length, 3);
  assert.match(notices.join('\n'), /line 6: .*\n.*line 7: "anna2": "anna" has the same secret\n.*line 8: "anna" has a line already/);
  chmodSync(file, 0o640);
  assert.deepEqual(table.holders(), []);
  assert.match(notices.at(-1) ?? '', /can be read by others/);
  rmSync(file);
  assert.deepEqual(table.holders(), []);
});

test('a file that others may read, that has a broken line, or that is not there, is not served from', (t) => {
  const scratch = makeScratch(t);
  const file = writeRights(scratch.folder);
  const refused = (code: string, message: RegExp): void =>
    assert.throws(
      () => RightsFile.open(file, assert.fail),
      (error: unknown) => error instanceof VtError && error.code === code && message.test(error.message),
    );
  chmodSync(file, 0o644);
  refused('EPERM', /can be read by others/);
  writeRights(scratch.folder, `${rightsText()}oops\n`);
  refused('EUSAGE', /line 6: "oops"/);
  rmSync(file);
  refused('EOPEN', /no such file/);
});

test('lines beyond the thousandth give nothing', (t) => {
  const scratch = makeScratch(t);
  const notices: string[] = [];
  writeRights(scratch.folder);
  const table = RightsFile.open(writeRights(scratch.folder), (notice) => notices.push(notice));
  writeRights(scratch.folder, Array.from({ length: 1001 }, (_, i) => `n${i} the-secret-of-number-${i} read\n`).join(''));
  assert.equal(table.holders().length, 1000);
  assert.match(notices.join('\n'), /, line 1001: at most 1000 lines are allowed$/);
});

test('one secret is a table of its owner', () => {
  const [owner, ...others] = ownerTable(Buffer.from('sixteen-octets-!')).holders();
  assert.ok(owner?.rights.isOwner === true && others.length === 0);
});
