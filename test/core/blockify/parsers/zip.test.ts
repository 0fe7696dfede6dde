import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import { zipParser } from '../../../../core/blockify/parsers/zip.ts';
import type { ZipMember } from '../../../support/contents/media-files.ts';
import { zipOf } from '../../../support/contents/media-files.ts';
import { edgesOf, holdsForAnyOctets, newOctets } from '../../../support/contents/parsing.ts';
import { makeRandom } from '../../../support/random.ts';
import { makeScratch } from '../../../support/scratch.ts';

const random = makeRandom(22);

/** Letters: what deflate makes smaller. */
function letters(size: number): Buffer {
  return Buffer.from(random.bytes(size).map((octet) => 97 + (octet & 15)));
}

const CONTENTS = [letters(50_000), letters(100), letters(9_000), letters(30_000)];

function membersOf(how: Partial<ZipMember>): ZipMember[] {
  return CONTENTS.map((content, i) => ({ name: `member-${i}`, content, ...how }));
}

/** Where the contents begin and end, of those that are large enough, and the directory begins. */
function expectedEdges(data: Buffer, members: readonly ZipMember[]): number[] {
  const contents = members.map(({ content, stored }) => (stored === true ? content : deflateRawSync(content)));
  const edges = contents
    .filter((content, i) => content.length >= 512 || members[i]?.streamed === true)
    .flatMap((content) => [data.indexOf(content), data.indexOf(content) + content.length]);
  return [...new Set([...edges, data.indexOf('PK\x01\x02', 'latin1')])].sort((a, b) => a - b);
}

describe('zip', () => {
  for (const stored of [false, true]) {
    for (const streamed of [false, true]) {
      for (const zip64 of [false, true]) {
        const how = `${stored ? 'stored' : 'deflated'}${streamed ? ', sizes after them' : ''}${zip64 ? ', of eight octets' : ''}`;
        it(`contents of members begin and end with an edge: ${how}`, () => {
          const members = membersOf({ stored, streamed, zip64 });
          const data = zipOf(members);
          assert.ok(zipParser.begins?.(data.subarray(0, 4096)));
          const expected = expectedEdges(data, members);
          assert.deepEqual(edgesOf(zipParser, [data]), expected);
          const twice = edgesOf(zipParser, [Buffer.concat([data, data])]);
          assert.deepEqual(twice, [...expected, ...expected.map((edge) => edge + data.length)]);
        });
      }
    }
  }

  it('an archive that zip(1) made to a file and to a pipe', (t) => {
    const scratch = makeScratch(t);
    for (const [i, content] of CONTENTS.entries()) writeFileSync(scratch.path(`member-${i}`), content);
    const names = CONTENTS.map((_, i) => `member-${i}`);
    for (const options of [['-q0'], ['-q9']]) {
      const made = spawnSync('zip', [...options, '-', ...names], { cwd: scratch.folder, maxBuffer: 1 << 26 });
      if (made.error !== undefined) return t.skip('zip(1) is not installed');
      const data = Buffer.from(made.stdout);
      const edges = edgesOf(zipParser, [data]);
      // Each of the three large contents, and the directory.
      assert.ok(edges.length >= 7 && edges.length <= 9, `${edges}`);
      assert.equal(edges.at(-1), data.indexOf('PK\x01\x02', 'latin1'));
      if (options[0] !== '-q0') continue;
      for (const content of CONTENTS.filter(({ length }) => length >= 512)) {
        assert.ok(edges.includes(data.indexOf(content)) && edges.includes(data.indexOf(content) + content.length));
      }
    }
  });

  it('hostile sizes lead nowhere, and a data descriptor in the data is none', () => {
    const header = (size: number, flags = 0): Buffer => {
      const octets = Buffer.alloc(30);
      octets.writeUInt32LE(0x04034b50, 0);
      octets.writeUInt16LE(flags, 6);
      octets.writeUInt32LE(size, 18);
      return octets;
    };
    assert.deepEqual(edgesOf(zipParser, [header(0xfffffffe), random.bytes(10_000)]), [30]);
    const zip64 = header(0xffffffff);
    zip64.writeUInt16LE(20, 28);
    const extra = Buffer.concat([Buffer.from('01001000', 'hex'), Buffer.alloc(16, 0xff)]);
    assert.deepEqual(edgesOf(zipParser, [zip64, extra, random.bytes(1000)]), [50]);
    const decoy = Buffer.concat([random.bytes(700), Buffer.from('PK\x07\x08', 'latin1'), random.bytes(700)]);
    const data = zipOf([{ name: 'decoy', content: decoy, stored: true, streamed: true }]);
    assert.deepEqual(edgesOf(zipParser, [data]), [35, 35 + decoy.length, 35 + decoy.length + 16]);
    assert.deepEqual(edgesOf(zipParser, [header(0, 8), random.bytes(5000)]), [30]);
    assert.ok(!zipParser.begins?.(Buffer.from('PK')));
    assert.ok(!zipParser.begins?.(random.bytes(100)));
  });

  it('the content comes back, with the same edges however it is cut, whatever octets it has', async () => {
    const small = CONTENTS.map((content, i) => ({ name: `m${i}`, content: content.subarray(0, 2500) }));
    const samples = [{}, { stored: true }, { streamed: true }, { stored: true, streamed: true, zip64: true }, { zip64: true }];
    await holdsForAnyOctets(
      zipParser,
      samples.map((how) => zipOf(small.map((member) => ({ ...member, ...how })))),
    );
  });

  it('stored members are found again as files, and a new member costs itself', async () => {
    const files = Array.from({ length: 60 }, () => random.bytes(600 + random.below(40_000)));
    const members = files.map((content, i) => ({ name: `file-${i}`, content, stored: true }));
    const data = zipOf(members);
    const fromFiles = await newOctets(files, data, zipParser, undefined);
    assert.ok(fromFiles < 60 * 500 + 10_000 && fromFiles < data.length * 0.05, `${fromFiles} of ${data.length}`);
    const changed = zipOf(members.map((member, i) => (i === 30 ? { ...member, content: random.bytes(20_000) } : member)));
    const cost = await newOctets([data], changed, zipParser);
    assert.ok(cost < 20_000 + 10_000, `${cost}`);
    assert.ok(cost <= (await newOctets([data], changed)));
  });
});
