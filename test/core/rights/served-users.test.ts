import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { formatArchiveLine } from '../../../core/archive/archive-line.ts';
import { VtError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { hashByName } from '../../../core/block/hash.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { formatDirent } from '../../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../../core/dirent/empty-root.ts';
import { RightsFile } from '../../../core/rights/rights-table.ts';
import { exportOf, ServedUsers } from '../../../core/rights/served-users.ts';
import { archiveOf } from '../../../core/store/archive-of-store.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { packRecords } from '../../../core/store/records/record-batch.ts';
import type { Store } from '../../../core/store/store.ts';
import { Connection } from '../../../core/wire/connection.ts';
import { encodeAppend } from '../../../core/wire/entry-requests.ts';
import { dial } from '../../../core/wire/links/dial.ts';
import type { HashcodeRange } from '../../../core/wire/payload.ts';
import { encodeAdd, encodeHashcode, encodeRange, encodeText } from '../../../core/wire/payload.ts';
import { encodeWanted } from '../../../core/wire/record-requests.ts';
import { REQUEST } from '../../../core/wire/requests.ts';
import { StreamClient } from '../../../core/wire/stream-client.ts';
import { openServed, serveIn, serviceOf } from '../wire/served-store.ts';
import type { ContentName, Holder } from './rights-fixture.ts';
import { CONTENTS, codeOf, content, fileOf, filledStore, record, rightsText, SECRETS, storedDir, writeRights } from './rights-fixture.ts';

interface Served {
  readonly folder: string;
  readonly store: Store;
  /** A client that knows a secret. */
  readonly client: (holder: Holder, exportName?: string) => Promise<StreamClient>;
  readonly open: (holder: Holder) => Promise<Store>;
}

async function served(t: TestContext): Promise<Served> {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-rights-'));
  const store = await filledStore(folder);
  const photos = new MemoryStore();
  const table = RightsFile.open(writeRights(folder), () => undefined);
  const everybody = serviceOf(store, {
    exports: new Map([
      ['', exportOf(store)],
      ['photos', exportOf(photos)],
    ]),
  });
  const users = new ServedUsers(table, everybody);
  const server = await serveIn(folder, { ...everybody, users: () => users.list() });
  const ends: (() => Promise<void>)[] = [];
  t.after(async () => {
    for (const end of ends) await end();
    await server[Symbol.asyncDispose]();
    await users[Symbol.asyncDispose]();
    await store[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
  });
  const client = async (holder: Holder, exportName?: string): Promise<StreamClient> => {
    const made = new StreamClient({
      name: holder,
      dial: async (signal) => await dial({ kind: 'unix', path: join(folder, 'served.sock') }, holder, () => undefined, signal),
      secret: Buffer.from(SECRETS[holder]),
      exportName,
    });
    ends.push(async () => await made.close());
    await made.open();
    return made;
  };
  return {
    folder,
    store,
    client,
    open: async (holder) => {
      const opened = await openServed(folder, { secret: secretFile(folder, holder) });
      ends.push(async () => await opened[Symbol.asyncDispose]());
      return opened;
    },
  };
}

function secretFile(folder: string, holder: Holder): string {
  const file = join(folder, `${holder}.secret`);
  writeFileSync(file, SECRETS[holder], { mode: 0o600 });
  return file;
}

type Probe = (client: StreamClient) => Promise<string>;

/** What an answer says in a word; of a failure its code. */
async function outcome(asked: Promise<string>): Promise<string> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof VtError)) throw error;
    return error.code;
  }
}

const yesOrNo = (yes: boolean): string => (yes ? 'yes' : 'no');
const json = (client: StreamClient, request: number, text: string, more = {}) =>
  client.request(request, { json: { notes: true, ...more }, payload: [encodeText(text)] });

function blockProbes(name: ContentName): readonly (readonly [string, Probe])[] {
  const { digest } = codeOf(name);
  return [
    [`get ${name}`, async (client) => yesOrNo((await client.request(REQUEST.get, { payload: [encodeHashcode(codeOf(name))] })).yes)],
    [
      `contains ${name}`,
      async (client) => yesOrNo((await client.request(REQUEST.contains, { payload: [encodeHashcode(codeOf(name))] })).yes),
    ],
    [`has ${name}`, async (client) => yesOrNo((await client.request(REQUEST.has, { payload: [digest] })).payload[0] !== 0)],
    [
      `records ${name}`,
      async (client) => {
        const { payload } = await client.request(REQUEST.records, { payload: encodeWanted(digest, 1) });
        return yesOrNo(Buffer.from(payload).includes(CONTENTS[name]));
      },
    ],
    [
      `records, verified, ${name}`,
      async (client) => {
        const { payload } = await client.request(REQUEST.records, { flags: 1, payload: encodeWanted(digest, 1) });
        return yesOrNo(Buffer.from(payload).includes(CONTENTS[name]));
      },
    ],
  ];
}

function archiveProbes(name: string): readonly (readonly [string, Probe])[] {
  const line = formatArchiveLine({ whenNs: 5_000_000_000n, dirent: EMPTY_ROOT });
  return [
    [`last ${name}`, async (client) => yesOrNo((await json(client, REQUEST.entryLast, name)).yes)],
    [`entries ${name}`, async (client) => yesOrNo((await json(client, REQUEST.entries, name, { from: 1 })).payload.length > 0)],
    [`watch ${name}`, async (client) => yesOrNo((await json(client, REQUEST.entryWatch, name)).yes)],
    // It never is the newest, so nothing is appended: whether it may be is asked all the same.
    [
      `append ${name}`,
      async (client) => {
        await client.request(REQUEST.entryAppend, { json: {}, payload: [encodeAppend(name, 'another', line)] });
        return 'done';
      },
    ],
  ];
}

const NEW = content('new');
const RANGE: HashcodeRange = { hashName: 'sha3-256', isAfter: false, length: 9 };

const OTHER_PROBES: readonly (readonly [string, Probe])[] = [
  [
    'add',
    async (client) => ((await client.request(REQUEST.add, { payload: encodeAdd('sha3-256', NEW) })).payload.length > 0 ? 'done' : 'no'),
  ],
  [
    'addRecords',
    async (client) => {
      const hash = hashByName('sha3-256');
      const { image } = packRecords([{ digest: hash.digest(NEW), data: NEW }], hash, 'none');
      await client.request(REQUEST.addRecords, { payload: [image] });
      return 'done';
    },
  ],
  ['flush', async (client) => ((await client.request(REQUEST.flush)).yes ? 'yes' : 'done')],
  ['hashcodes', async (client) => yesOrNo((await client.request(REQUEST.hashcodes, { payload: [encodeRange(RANGE)] })).payload.length > 0)],
  [
    'hashcodesHash',
    async (client) => yesOrNo((await client.request(REQUEST.hashcodesHash, { payload: [encodeRange(RANGE)] })).payload.length > 0),
  ],
  ['length', async (client) => yesOrNo((await client.request(REQUEST.length)).payload.length > 0)],
  [
    'containsIndirect',
    async (client) => yesOrNo((await client.request(REQUEST.containsIndirect, { payload: [encodeHashcode(codeOf('letter'))] })).yes),
  ],
  ['archiveLast', async (client) => yesOrNo((await client.request(REQUEST.archiveLast, { payload: [encodeText('family')] })).yes)],
  ['archiveList', async (client) => yesOrNo((await client.request(REQUEST.archiveList, { payload: [encodeText('family')] })).yes)],
  ['archiveUpdate', async (client) => yesOrNo((await client.request(REQUEST.archiveUpdate, { payload: [encodeText('family')] })).yes)],
  ['archiveNames', async (client) => String((await client.request(REQUEST.archiveNames)).json?.['names'])],
  ['hasNote', async (client) => yesOrNo((await client.request(REQUEST.hasNote, { payload: [Buffer.alloc(16, 7)] })).yes)],
  ['addNote', async (client) => ((await client.request(REQUEST.addNote, { payload: [Buffer.alloc(16, 7)] })).yes ? 'yes' : 'done')],
  ['ping', async (client) => ((await client.request(REQUEST.ping)).yes ? 'yes' : 'done')],
];

const PROBES = [
  ...blockProbes('photo'),
  ...blockProbes('letter'),
  ...blockProbes('anna'),
  ...blockProbes('loose'),
  ...archiveProbes('family'),
  ...archiveProbes('anna'),
  ...archiveProbes('nowhere'),
  ...OTHER_PROBES,
];

const PLAIN = 'EUNSUPPORTED EUNSUPPORTED EUNSUPPORTED';
const REFUSED = 'EPERM EPERM EPERM EPERM';

/** What each holder is answered, in the order of {@link PROBES}: five of each content, four of each archive, then the others. */
const ANSWERS: Readonly<Record<Holder, string>> = {
  owner: `${'yes '.repeat(20)} ${'yes yes yes done '.repeat(2)} no no yes done  done done done yes yes yes ECORRUPT ${PLAIN} anna,family,nowhere no done done`,
  reader: `${'yes '.repeat(20)} ${'yes yes yes EPERM '.repeat(2)} no no yes EPERM  EPERM EPERM done yes yes yes ECORRUPT EUNSUPPORTED EUNSUPPORTED EPERM anna,family no done done`,
  adder: `${'yes '.repeat(20)} ${'yes yes yes done '.repeat(2)} no no yes done  done done done yes yes yes ECORRUPT ${PLAIN} anna,family,nowhere no done done`,
  anna: `${'no '.repeat(10)} ${'yes '.repeat(5)} ${'no '.repeat(5)} ${REFUSED} yes yes yes done ${REFUSED}  done done done ${PLAIN} no ${PLAIN} anna no done done`,
  friend: `${'yes '.repeat(5)} ${'no '.repeat(15)} yes yes no EPERM ${REFUSED} ${REFUSED}  EPERM EPERM done ${PLAIN} no EUNSUPPORTED EUNSUPPORTED EPERM family no done done`,
};

for (const holder of Object.keys(SECRETS) as Holder[]) {
  test(`every request of "${holder}" is answered by the rights of its line`, async (t) => {
    const { client } = await served(t);
    const asking = await client(holder);
    const answers: string[] = [];
    for (const [what, probe] of PROBES) answers.push(`${what}: ${await outcome(probe(asking))}`);
    const expected = ANSWERS[holder].trim().split(/ +/);
    assert.deepEqual(
      answers,
      PROBES.map(([what], i) => `${what}: ${expected[i] ?? ''}`),
    );
  });
}

/** Adds a Dir with a content, and records it. */
async function push(client: StreamClient, archive: string, dir: DirDirent, second: number, seen = ''): Promise<boolean> {
  const line = formatArchiveLine({ whenNs: BigInt(second) * 1_000_000_000n, dirent: dir });
  return (await client.request(REQUEST.entryAppend, { json: { notes: true }, payload: [encodeAppend(archive, seen, line)] })).yes;
}

async function newestLine(client: StreamClient, archive: string): Promise<string> {
  return Buffer.from((await json(client, REQUEST.entryLast, archive)).payload).toString('latin1');
}

const isError = (code: string, message: RegExp) => (error: unknown) =>
  error instanceof VtError && error.code === code && message.test(error.message);

test('who may add to an archive of her own gets nothing by referring to the Block of another, whose hashcode she knows', async (t) => {
  const { client, open } = await served(t);
  const anna = await client('anna');
  const mine = await open('anna');
  const { hashcode } = await mine.add(NEW);
  const own = await storedDir(mine, [fileOf('new.txt', { kind: 'hash', span: NEW.length, hashcode })]);
  await mine.flush();
  assert.equal(await push(anna, 'anna', own, 10, await newestLine(anna, 'anna')), true);
  assert.deepEqual(await mine.get(hashcode), NEW);

  const thief = await storedDir(mine, [fileOf('stolen.txt', { kind: 'hash', span: CONTENTS.letter.length, hashcode: codeOf('letter') })]);
  await mine.flush();
  await assert.rejects(
    push(anna, 'anna', thief, 20, await newestLine(anna, 'anna')),
    isError('EPERM', /the Store does not hold the root: .*stolen\.txt/),
  );
  assert.equal(await mine.get(codeOf('letter')), undefined);
  // That it is there is not told by an add either; once she gives its bytes they are hers too.
  assert.equal((await mine.add(CONTENTS.letter)).isNew, true);
  assert.deepEqual(await mine.get(codeOf('letter')), CONTENTS.letter);
  await mine.flush();
  assert.equal(await push(anna, 'anna', thief, 20, await newestLine(anna, 'anna')), true);
});

test('an archive is added to in the order of time, whatever else the server allows', async (t) => {
  const { client } = await served(t);
  for (const holder of ['adder', 'anna'] as const) {
    const asking = await client(holder);
    await assert.rejects(
      push(asking, 'anna', EMPTY_ROOT, 0, await newestLine(asking, 'anna')),
      isError('EPERM', /its newest entry has a later date/),
    );
  }
  const owner = await client('owner');
  assert.equal(await push(owner, 'anna', EMPTY_ROOT, 0, await newestLine(owner, 'anna')), true);
});

test('who may read below a path sees that as the whole tree, and what comes there later', async (t) => {
  const { client, open, store } = await served(t);
  const friend = await client('friend');
  const theirs = await open('friend');
  const tree = async (): Promise<string> => (await newestLine(friend, 'family')).replace(/^\S+ \S+ | !crc32.*$/g, '');
  const before = await tree();
  const root = archiveOf(store, 'family');
  assert.ok(root !== undefined && formatDirent((await root.last())?.dirent ?? EMPTY_ROOT) !== before);
  assert.deepEqual(await theirs.get(codeOf('photo')), CONTENTS.photo);
  assert.equal(await theirs.get(codeOf('letter')), undefined);

  const { hashcode } = await store.add(NEW);
  assert.deepEqual(await theirs.has([hashcode]), [false]);
  const photos = await storedDir(store, [fileOf('new.jpg', { kind: 'hash', span: NEW.length, hashcode })], 'photos');
  await record(store, 'family', await storedDir(store, [photos]), 30);
  assert.deepEqual(await theirs.has([hashcode]), [true]);
  assert.deepEqual(await theirs.get(hashcode), NEW);
  assert.notEqual(await tree(), before);
  // What was there in an earlier state is still theirs to read.
  assert.deepEqual(await theirs.has([codeOf('photo'), codeOf('letter')]), [true, false]);
});

test('a symlink at the path leads nowhere', async (t) => {
  const { client, store } = await served(t);
  const letters = await storedDir(
    store,
    [fileOf('plan.txt', { kind: 'hash', span: CONTENTS.letter.length, hashcode: codeOf('letter') })],
    'letters',
  );
  const link: Dirent = { kind: 'symlink', name: 'photos' as Octets, meta: {}, target: 'letters' as Octets };
  await record(store, 'family', await storedDir(store, [letters, link]), 30);
  const friend = await client('friend');
  assert.match(await newestLine(friend, 'family'), /^1970-01-01T00:00:01/);
});

test('a line that is removed is a right no longer, also for who is connected; others go on', async (t) => {
  const { client, folder } = await served(t);
  const [reader, anna] = [await client('reader'), await client('anna')];
  assert.ok((await json(reader, REQUEST.entryLast, 'family')).yes);
  writeRights(folder, rightsText(['reader']));
  for (const [, probe] of PROBES.filter(([what]) => what !== 'ping')) assert.equal(await outcome(probe(reader)), 'EPERM');
  assert.ok((await json(anna, REQUEST.entryLast, 'anna')).yes);
  await assert.rejects(client('reader'), isError('EPERM', /does not know the secret/));
  // A line that says something else is another.
  writeRights(folder, rightsText().replace('add=anna', 'add=other'));
  await assert.rejects(json(anna, REQUEST.entryLast, 'anna'), isError('EPERM', /"anna" no longer has rights here/));
  await assert.rejects(json(await client('anna'), REQUEST.entryLast, 'anna'), isError('EPERM', /"anna" does not have the right read=anna/));
});

test('a Store by a name is used by who may use it', async (t) => {
  const { client, folder } = await served(t);
  await assert.rejects(client('reader', 'photos'), isError('EOPEN', /"photos": it is not served/));
  await client('owner', 'photos');
  writeRights(folder, rightsText().replace(/read\n/, 'read export=photos\n'));
  await client('reader', 'photos');
  await assert.rejects(client('reader'), isError('EOPEN', /no name was given/));
});

test('of several secrets the wrong one opens nothing, nor does a client that does not tell which it means', async (t) => {
  const { folder } = await served(t);
  const wrong = join(folder, 'wrong.secret');
  writeFileSync(wrong, 'some-other-secret-of-nobody', { mode: 0o600 });
  await assert.rejects(openServed(folder, { secret: wrong }), isError('EPERM', /does not know the secret/));
  await assert.rejects(openServed(folder), isError('EPERM', /secret is needed/));
  const hello = async (): Promise<unknown> => {
    const link = await dial({ kind: 'unix', path: join(folder, 'served.sock') }, 'earlier', () => undefined);
    const connection = new Connection(link, { name: 'earlier' });
    try {
      return (await connection.request(REQUEST.hello, { json: { version: 1, nonce: 'used once' } })).json?.['proof'];
    } finally {
      await connection.close();
    }
  };
  await assert.rejects(hello(), isError('EPERM', /does not say which secret it has/));
  // Where there is one alone it is meant.
  writeRights(folder, rightsText(['reader', 'adder', 'anna', 'friend']));
  assert.equal(typeof (await hello()), 'string');
});
