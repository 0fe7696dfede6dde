import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { CorruptBlockError, VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import type { HashCode } from '../../../core/block/hashcode.ts';
import { hashcodeLabel } from '../../../core/block/hashcode.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Datadir } from '../../../core/datadir/datadir-store.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { capability } from '../../../core/store/capability.ts';
import { RECORD_FIXED_SIZE } from '../../../core/store/records/datafile.ts';
import type { RecordBatch } from '../../../core/store/records/record-batch.ts';
import { RecordCheckers } from '../../../core/store/records/record-checker.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { openServed, serveIn, serviceOf } from '../wire/served-store.ts';

const FILES = 120;
const ROUNDS = 6;
const scratch = mkdtempSync(join(tmpdir(), 'vtftp-damage-'));
const checkers = new RecordCheckers();
after(async () => {
  await checkers[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

interface Filled {
  readonly root: Dirent;
  /** The Blocks of the files, by path. */
  readonly blocks: ReadonlyMap<string, HashCode>;
}

async function fill(store: Store, random: Random): Promise<Filled> {
  const tree = openLiveTree(store, undefined);
  const blocks = new Map<string, HashCode>();
  for (let i = 0; i < FILES; i++) {
    const data = random.bytes(200 + random.below(20_000));
    const { hashcode } = await store.add(data);
    const block = { kind: 'hash' as const, span: data.length, hashcode };
    await tree.bind(`/f${i}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
    blocks.set(`/f${i}`, hashcode);
  }
  const root = await tree.sync({});
  await store.flush();
  return { root, blocks };
}

/** What of a record is damaged. The index knows where a Block lies, so that it is found without its header. */
const PLACES = ['contents', 'headers', 'headers and contents'] as const;

/** Flips a bit of each part of a Block's record that is to be damaged. */
function flip(store: Datadir, { digest }: HashCode, place: (typeof PLACES)[number], random: Random): void {
  const [location] = store.locate([digest]);
  assert.ok(location !== undefined);
  const headerSize = RECORD_FIXED_SIZE + digest.length;
  const file = openSync(location.file, 'r+');
  const flipAt = (at: number): void => {
    const octet = Buffer.alloc(1);
    readSync(file, octet, 0, 1, at);
    writeSync(file, Buffer.from([(octet[0] ?? 0) ^ (1 << random.below(8))]), 0, 1, at);
  };
  if (place !== 'headers') flipAt(location.offset + random.below(location.storedSize));
  if (place !== 'contents') flipAt(location.offset - headerSize + random.below(headerSize));
  closeSync(file);
}

for (const [near, row] of [
  ['from', 'push'],
  ['to', 'pull'],
] as const)
  for (const place of PLACES)
    it(`${row} over a connection: of records with damaged ${place} the paths that lack a Block are named, all else comes, and nothing wrong is stored`, async () => {
      for (let seed = 1; seed <= ROUNDS; seed++) {
        const random = makeRandom(seed);
        const folder = mkdtempSync(join(scratch, 'round-'));
        await using from = await openDatadir(join(folder, 'from'), { create: true });
        await using to = await openDatadir(join(folder, 'to'), { create: true });
        const { root, blocks } = await fill(from, random);
        const harmed = new Set<string>();
        for (let i = 1 + random.below(4); i > 0; i--) harmed.add(`/f${random.below(FILES)}`);
        for (const path of harmed) flip(from, blocks.get(path) as HashCode, place, random);
        if (place === 'headers') harmed.clear();
        await using _server = await serveIn(folder, serviceOf(near === 'from' ? to : from, { checkers }));
        await using far = await openServed(folder);
        const sync = near === 'from' ? new SyncProcess(from, far, { near }) : new SyncProcess(far, to, { near });
        const { missingBlocks } = await sync.estimateDirent(root);
        await sync.transfer();
        assert.deepEqual(sync.faults.map(({ path }) => path).sort(), [...harmed].sort(), `seed ${seed}`);
        assert.equal(sync.doneBlocks, missingBlocks - harmed.size, `seed ${seed}`);
        for (const { error } of sync.faults) assert.ok(error instanceof VtError && ['ECORRUPT', 'EMISSING'].includes(error.code));
        for (const [path, hashcode] of blocks) {
          const [isThere] = await to.has([hashcode]);
          assert.equal(isThere, !harmed.has(path), `seed ${seed}: ${path}`);
          if (isThere) assert.ok((await to.get(hashcode)) !== undefined);
        }
      }
    });

it('a Block that is refused is named in the answer, and the client knows which it was', async () => {
  const folder = mkdtempSync(join(scratch, 'refused-'));
  await using from = await openDatadir(join(folder, 'from'), { create: true });
  await using to = await openDatadir(join(folder, 'to'), { create: true });
  const random = makeRandom(5);
  const { blocks } = await fill(from, random);
  const [hashcode] = [...blocks.values()];
  assert.ok(hashcode !== undefined);
  flip(from, hashcode, 'contents', random);
  await using _server = await serveIn(folder, serviceOf(to, { checkers }));
  await using far = await openServed(folder);
  const batches: RecordBatch[] = [];
  for await (const batch of capability(from, 'recordSource')?.records(hashcode.digest) ?? []) batches.push(batch);
  assert.equal(batches.length, 1);
  const [batch] = batches;
  const sink = capability(far, 'recordSink');
  assert.ok(batch !== undefined && sink !== undefined);
  await assert.rejects(
    sink.addRecords(batch),
    (error) => error instanceof CorruptBlockError && error.hashcode === hashcodeLabel(hashcode) && error.message.includes('unix:'),
  );
  assert.deepEqual(await to.has([hashcode]), [false]);
});
