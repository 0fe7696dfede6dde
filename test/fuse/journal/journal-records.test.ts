import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Octets } from '../../../core/base/octets.ts';
import { EMPTY_BLOCK } from '../../../core/block/block.ts';
import type { DirDirent } from '../../../core/dirent/dirent.ts';
import type { JournalRecord } from '../../../fuse/journal/journal-records.ts';
import { decodeJournalRecord, encodeJournalRecord } from '../../../fuse/journal/journal-records.ts';

const at = (path: string): Octets => path as Octets;
const ROOT: DirDirent = { kind: 'dir', name: at(''), meta: {}, block: EMPTY_BLOCK };
const META = { mode: 0o600 };

/** The bytes were made by a program of its own, after vt(5). */
const GOLDEN: readonly { readonly record: JournalRecord; readonly hex: string }[] = [
  { record: { kind: 'start', archive: 'default' }, hex: '000764656661756c74' },
  { record: { kind: 'base', root: ROOT }, hex: '010476010100' },
  {
    record: { kind: 'root', ours: ROOT, whenNs: 1_700_000_000_000_000_000n, recorded: ROOT },
    hex: '02047601010013313730303030303030303030303030303030300476010100',
  },
  {
    record: {
      kind: 'changes',
      changes: [
        { kind: 'make', nowNs: 5n, path: at('/d/f'), dirent: { kind: 'file', name: at('f'), meta: { mode: 0o644 }, block: EMPTY_BLOCK } },
        { kind: 'remove', nowNs: 6n, path: at('/d'), sort: 'dir' },
        {
          kind: 'rename',
          nowNs: 7n,
          path: at('/f'),
          to: at('/g'),
          manner: 'replace',
          leave: { kind: 'char', name: at('f'), meta: { mode: 0, rdev: { major: 0, minor: 0 } } },
        },
        { kind: 'link', nowNs: 8n, path: at('/g'), to: at('/h') },
        { kind: 'meta', nowNs: -9n, path: at('/'), meta: META },
        {
          kind: 'content',
          nowNs: 10n,
          path: at('/h'),
          meta: META,
          minSize: 200,
          size: 300,
          ranges: [{ start: 128, data: Buffer.from('abc') }],
        },
      ],
    },
    hex: [
      '0306000135042f642f660b7601000201016640028324010136022f6401020137022f66022f6700010e7601060301016607020000400100',
      '030138022f67022f6804022d39012f08760104014002830005023130022f680876010401400283008148822c01810003616263',
    ].join(''),
  },
];

describe('records of a journal', () => {
  for (const { record, hex } of GOLDEN) {
    it(`are these bytes: ${record.kind}`, () => {
      assert.equal(Buffer.from(encodeJournalRecord(record)).toString('hex'), hex);
      assert.deepEqual(encodeJournalRecord(decodeJournalRecord(Buffer.from(hex, 'hex'))), encodeJournalRecord(record));
    });
    it(`are refused at each length that is too short: ${record.kind}`, () => {
      const whole = Buffer.from(hex, 'hex');
      for (let size = 0; size < whole.length; size++) assert.throws(() => decodeJournalRecord(whole.subarray(0, size)), /decode/);
    });
  }
});
