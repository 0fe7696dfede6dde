import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import type { Server, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, it } from 'node:test';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import type { Dirent } from '../../../core/dirent/dirent.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import { SyncProcess } from '../../../core/sync/sync-process.ts';
import { openLiveTree } from '../../../core/tree/live/live-tree.ts';
import type { TreePath } from '../../../core/tree/path.ts';
import { makeRandom, type Random } from '../../support/random.ts';
import { openServed, serveIn, serviceOf, testCheckers } from '../wire/served-store.ts';

const ROUNDS = Number(process.env['VTFTP_HOSTILE_ROUNDS'] ?? 20);
const FIRST_SEED = Number(process.env['VTFTP_HOSTILE_SEED'] ?? 1);
/** Milliseconds without an octet after which the relay cuts the line, and in which all must have come to an end. */
const IDLE_MS = 400;
const MOST_MS = 30_000;

const scratch = mkdtempSync(join(tmpdir(), 'vtftp-hostile-'));
after(async () => {
  await testCheckers[Symbol.asyncDispose]();
  rmSync(scratch, { recursive: true, force: true });
});

const KINDS = ['flip', 'drop', 'insert', 'repeat', 'overwrite', 'cut'] as const;

/** What is done to the octets of one direction of one connection, and where. */
interface Harm {
  readonly kind: (typeof KINDS)[number];
  readonly at: number;
  readonly size: number;
  readonly junk: Buffer;
}

function harmed(chunk: Buffer, at: number, { kind, size, junk }: Harm): Buffer | undefined {
  const before = chunk.subarray(0, at);
  const there = chunk.subarray(at, at + size);
  const rest = chunk.subarray(at + size);
  switch (kind) {
    case 'flip': {
      const flipped = Buffer.from(chunk);
      flipped[at] = (flipped[at] as number) ^ (1 << (size & 7));
      return flipped;
    }
    case 'drop':
      return Buffer.concat([before, rest]);
    case 'insert':
      return Buffer.concat([before, junk, there, rest]);
    case 'repeat':
      return Buffer.concat([before, there, there, rest]);
    case 'overwrite':
      return Buffer.concat([before, junk.subarray(0, there.length), rest]);
    case 'cut':
      return undefined;
  }
}

/** Stands between a client and a server, and does harm once, in one of the directions of the first connection. */
async function startRelay(path: string, to: string, random: Random): Promise<AsyncDisposable> {
  const size = 1 + random.below(40);
  // Where packets are small, and where much is moved.
  const at = random.chance(50) ? random.below(600) : random.below(200_000);
  const harm: Harm = { kind: random.pick(KINDS), at, size, junk: random.bytes(size) };
  const isOfClient = random.chance(50);
  const sockets = new Set<Socket>();
  let isDone = false;
  const server: Server = createServer((client) => {
    const far = connect(to);
    const end = (): void => void [client, far].map((socket) => socket.destroy());
    const idle = setTimeout(end, IDLE_MS);
    for (const [from, into, isHarmed] of [
      [client, far, isOfClient],
      [far, client, !isOfClient],
    ] as const) {
      sockets.add(from);
      let position = 0;
      from.on('error', end);
      from.on('close', () => {
        clearTimeout(idle);
        sockets.delete(from);
        end();
      });
      from.on('end', () => into.end());
      from.on('data', (chunk: Buffer) => {
        idle.refresh();
        const start = position;
        position += chunk.length;
        const isNow = isHarmed && !isDone && harm.at < position;
        isDone ||= isNow;
        const sent = isNow ? harmed(chunk, Math.max(0, harm.at - start), harm) : chunk;
        if (sent === undefined) end();
        else into.write(sent);
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return {
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function fill(store: Store, random: Random): Promise<Dirent> {
  const tree = openLiveTree(store, undefined);
  for (let d = 0; d < 6; d++) {
    await tree.mkdir(`/d${d}` as TreePath, {});
    for (let f = 0; f < 12; f++) {
      const data = random.bytes(100 + random.below(5000));
      const { hashcode } = await store.add(data);
      const block = { kind: 'hash' as const, span: data.length, hashcode };
      await tree.bind(`/d${d}/f${f}` as TreePath, { kind: 'file', name: '' as Octets, meta: {}, block });
    }
  }
  const root = await tree.sync({});
  await store.flush();
  return root;
}

/** What a Store lacks of a tree that another has whole; all that it has is read and verified. */
async function lacking(whole: Store, store: Store, root: Dirent): Promise<number> {
  for await (const hashcode of capability(store, 'enumeration')?.hashcodes() ?? []) assert.ok((await store.get(hashcode)) !== undefined);
  return (await new SyncProcess(whole, store, { near: 'from', recheck: true, plan: true }).estimateDirent(root)).missingBlocks;
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing came of it in ${MOST_MS} ms`)), MOST_MS);
  });
  return await Promise.race([work, late]).finally(() => clearTimeout(timer));
}

for (const [near, row] of [
  ['from', 'push'],
  ['to', 'pull'],
] as const)
  it(`${row} through a line that does harm ends in time, says what is wrong in one line, stores nothing wrong, and goes well afterwards`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + ROUNDS; seed++) {
      const random = makeRandom(seed);
      const folder = mkdtempSync(join(scratch, 'round-'));
      const between = join(folder, 'between');
      mkdirSync(between);
      await using from = await openDatadir(join(folder, 'from'), { create: true });
      await using to = await openDatadir(join(folder, 'to'), { create: true });
      const root = await fill(from, random);
      await using _server = await serveIn(folder, serviceOf(near === 'from' ? to : from));
      const move = async (at: string): Promise<number> => {
        await using far = await openServed(at);
        const sync =
          near === 'from' ? new SyncProcess(from, far, { near, recheck: true }) : new SyncProcess(far, to, { near, recheck: true });
        await sync.estimateDirent(root);
        await sync.transfer();
        return sync.faults.length;
      };
      {
        await using _relay = await startRelay(join(between, 'served.sock'), join(folder, 'served.sock'), random);
        let faults = -1;
        try {
          faults = await inTime(move(between));
        } catch (error) {
          assert.ok(error instanceof VtError, `seed ${seed}: ${String(error instanceof Error ? error.stack : error)}`);
          assert.match(error.message, /^[^\n]+$/, `seed ${seed}`);
        }
        const left = await lacking(from, to, root);
        // Who is pushed to may say of anything that it is there; who pulls knows.
        if (near === 'to' && faults === 0) assert.equal(left, 0, `seed ${seed}`);
      }
      assert.equal(await inTime(move(folder)), 0, `seed ${seed}`);
      assert.equal(await lacking(from, to, root), 0, `seed ${seed}`);
      rmSync(folder, { recursive: true, force: true });
    }
  });
