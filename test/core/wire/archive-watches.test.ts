import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it, type TestContext } from 'node:test';
import { openDatadir } from '../../../core/datadir/datadir.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { capability } from '../../../core/store/capability.ts';
import type { Store } from '../../../core/store/store.ts';
import type { StoreService } from '../../../core/wire/store-session.ts';
import { openServed, serveIn, serviceOf } from './served-store.ts';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-watch-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function archiveOf(store: Store, name = 'default') {
  const archive = capability(store, 'archives')?.open(name, { readOnly: false });
  assert.ok(archive !== undefined);
  return archive;
}

function serviceWithArchives(store: Store): StoreService {
  const archives = capability(store, 'archives');
  return serviceOf(store, { exports: new Map([['', { store, archive: (name) => archives?.open(name, { readOnly: false }) }]]) });
}

let when = 1n;
async function record(store: Store, name?: string): Promise<void> {
  await archiveOf(store, name).append(async () => await Promise.resolve({ whenNs: when++ * 1_000_000_000n, dirent: EMPTY_ROOT }));
}

/** Counts calls, and waits for the next one. */
function watcher() {
  const told = new EventEmitter();
  let calls = 0;
  return {
    note: () => {
      calls++;
      told.emit('call');
    },
    get calls() {
      return calls;
    },
    next: async () => void (await once(told, 'call')),
  };
}

it('who watches an archive of a served Store is told of what anybody records there, and of nothing else', async (t) => {
  const folder = folderOf(t);
  await using store = await openDatadir(join(folder, 'store'), { create: true });
  await using _server = await serveIn(folder, serviceWithArchives(store));
  const packets: string[] = [];
  await using watching = await openServed(folder, {}, { traceWire: (line) => packets.push(line) });
  await using quiet = await openServed(folder, {}, { traceWire: (line) => packets.push(`quiet ${line}`) });
  await using writing = await openServed(folder);
  const seen = watcher();
  const first = seen.next();
  const end = archiveOf(watching).watch?.(seen.note);
  assert.ok(end !== undefined);
  // It is called once to begin with: something may have been recorded before.
  await first;
  for (const by of [writing, store, watching]) {
    const next = seen.next();
    await record(by);
    await next;
  }
  // Another archive is none of its business, and who does not watch hears nothing.
  const before = seen.calls;
  await record(writing, 'other');
  const next = seen.next();
  await record(writing);
  await next;
  assert.equal(seen.calls, before + 1);
  end();
  assert.equal((await archiveOf(quiet).last())?.number, 4);
  assert.deepEqual(
    packets.filter((line) => line.startsWith('quiet') && line.includes('entryNews')),
    [],
  );
  assert.ok(packets.some((line) => line.includes('entryNews')));
});

it('one whose server ends, and comes back, is told of what was recorded meanwhile', async (t) => {
  const folder = folderOf(t);
  await using store = await openDatadir(join(folder, 'store'), { create: true });
  const first = await serveIn(folder, serviceWithArchives(store));
  await using watching = await openServed(folder);
  const seen = watcher();
  const began = seen.next();
  archiveOf(watching).watch?.(seen.note);
  await began;
  await first[Symbol.asyncDispose]();
  await record(store);
  const back = seen.next();
  await using _second = await serveIn(folder, serviceWithArchives(store));
  await back;
  assert.equal((await archiveOf(watching).last())?.number, 1);
});

it('a server that cannot tell of an archive says so, and is not asked again', async (t) => {
  const folder = folderOf(t);
  await using store = await openDatadir(join(folder, 'store'), { create: true });
  const archives = capability(store, 'archives');
  let asked = 0;
  await using _server = await serveIn(
    folder,
    serviceOf(store, {
      exports: new Map([
        [
          '',
          {
            store,
            archive: (name) => {
              const archive = archives?.open(name, { readOnly: false });
              if (archive === undefined) return undefined;
              asked++;
              const { name: shown } = archive;
              return {
                name: shown,
                last: async (options) => await archive.last(options),
                entries: (options) => archive.entries(options),
                append: async (decide) => await archive.append(decide),
              };
            },
          },
        ],
      ]),
    }),
  );
  await using client = await openServed(folder);
  const seen = watcher();
  archiveOf(client).watch?.(seen.note);
  await record(client);
  const before = asked;
  await record(client);
  assert.equal(asked, before + 2);
  assert.equal(seen.calls, 0);
});
