import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { decodeBsdata, decodeBsuint, encodeBsuint } from '../../../core/base/bsuint.ts';
import { ParseError } from '../../../core/base/errors.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { octetsFromText } from '../../../core/base/octets.ts';
import { formatBlock, parseBlock } from '../../../core/block/block-text.ts';
import { decodeBlockref, encodeBlockref } from '../../../core/block/blockref.ts';
import type { HashName } from '../../../core/block/hash.ts';
import { hashByName } from '../../../core/block/hash.ts';
import { decodeHashcode, digestHex } from '../../../core/block/hashcode.ts';
import { formatHashcode, parseHashcode } from '../../../core/block/hashcode-text.ts';
import { readBlockBytes } from '../../../core/block/read-range.ts';
import { withSpan } from '../../../core/block/tree-walk.ts';
import type { ScanResult } from '../../../core/datadir/datafiles/datafile-scan.ts';
import { scanPythonDatafile } from '../../../core/datadir/python-vt/python-datafile-scan.ts';
import { readDir } from '../../../core/dirent/dir-codec.ts';
import type { DirDirent, Dirent } from '../../../core/dirent/dirent.ts';
import { decodeDirent, encodeDirent } from '../../../core/dirent/dirent-codec.ts';
import { formatDirent, parseDirent } from '../../../core/dirent/dirent-text.ts';
import { skipReference } from '../../../core/dirent/reference.ts';
import { parseUri } from '../../../core/dirent/uri.ts';
import { decodeStored } from '../../../core/store/records/stored-bytes.ts';
import { decodesOrRefuses, survivesEveryBitFlip } from '../../support/fuzz/decoding.ts';
import { PROJECT_ROOT } from '../../support/project.ts';
import { MapSource } from '../../support/stores/map-source.ts';

// Files that the Python vt made, and what its own documentation and a manifest of the source say is in them.

const GOLDEN = join(PROJECT_ROOT, 'test/golden/python-vt');

interface ManifestEntry {
  readonly path: string;
  readonly mode: string;
  readonly mtime_ns: number;
  readonly uid: number;
  readonly gid: number;
  readonly type: 'dir' | 'file' | 'symlink';
  readonly size?: number;
  readonly sha256?: string;
  readonly target?: string;
  readonly nlink?: number;
  readonly xattrs_hex?: Readonly<Record<string, string>>;
}

function readJson<T>(name: string): T {
  return JSON.parse(readFileSync(join(GOLDEN, name), 'utf8')) as T;
}

/** All Blocks of a Python Store. */
async function loadStore(name: string, hashName: HashName): Promise<MapSource> {
  const source = new MapSource(hashName);
  const folder = join(GOLDEN, name, 'store/data');
  for (const file of readdirSync(folder)) {
    const { damage } = await scanInto(source, readFileSync(join(folder, file)), join(folder, file));
    assert.deepEqual(damage, []);
  }
  return source;
}

/** Puts the Blocks of a data file, or of the start of one, into a source. */
async function scanInto(source: MapSource, data: Buffer, path: string, end: number = data.length): Promise<ScanResult> {
  const fd = openSync(path, 'r');
  try {
    return await scanPythonDatafile(fd, {
      start: 0,
      end,
      hash: hashByName(source.hashName),
      onRecord({ digest, codec, offset, storedSize, size }) {
        assert.ok(codec === 'none' || codec === 'zlib');
        const block = decodeStored(data.subarray(offset, offset + storedSize), codec, size);
        assert.ok(block !== undefined);
        assert.equal(digestHex(source.put(block).digest), digestHex(digest));
      },
      pause: () => Promise.resolve(),
    });
  } finally {
    closeSync(fd);
  }
}

async function rootOf(archive: string): Promise<Dirent> {
  const last = await openArchiveFile(join(GOLDEN, archive), { readOnly: true }).last();
  assert.ok(last !== undefined);
  return last.dirent;
}

/** Every path below a root, hard links resolved through its table. */
async function walk(source: MapSource, root: DirDirent): Promise<Map<Octets, Dirent>> {
  const nodes = new Map<string, Dirent>();
  if (root.inodes !== undefined) for await (const node of readDir(source, root.inodes)) nodes.set(node.name, node);
  const found = new Map<Octets, Dirent>([['.' as Octets, root]]);
  const visit = async (dir: DirDirent, prefix: string): Promise<void> => {
    for await (const entry of readDir(source, dir.block)) {
      const node = entry.kind === 'indirect' ? nodes.get(entry.uuid) : entry;
      assert.ok(node !== undefined, `${prefix}${entry.name} is in the table`);
      found.set(`${prefix}${entry.name}` as Octets, node);
      if (node.kind === 'dir') await visit(node, `${prefix}${entry.name}/`);
    }
  };
  await visit(root, '');
  return found;
}

async function sha256Of(source: MapSource, dirent: Dirent): Promise<{ size: number; sha256: string }> {
  assert.equal(dirent.kind, 'file');
  const block = dirent.kind === 'file' ? await withSpan(source, dirent.block) : parseBlock('LB{}');
  const data = await readBlockBytes(source, block);
  return { size: block.span, sha256: createHash('sha256').update(data).digest('hex') };
}

describe('trees that the Python vt stored', () => {
  it('pack/: every path is there with its content; modes, owners and times it did not keep', async () => {
    const source = await loadStore('pack', 'blake3');
    const root = await rootOf('pack/tree.vt');
    assert.ok(root.kind === 'dir' && root.name === 'tree');
    const found = await walk(source, root);
    const manifest = readJson<ManifestEntry[]>('pack/manifest.json');
    assert.deepEqual([...found.keys()].sort(), manifest.map(({ path }) => octetsFromText(path)).sort());
    for (const entry of manifest) {
      const dirent = found.get(octetsFromText(entry.path));
      assert.equal(dirent?.kind, entry.type, entry.path);
      if (dirent?.kind === 'file') assert.deepEqual(await sha256Of(source, dirent), { size: entry.size, sha256: entry.sha256 }, entry.path);
      assert.equal(dirent?.meta.mode, undefined);
      assert.equal(dirent?.meta.uid, undefined);
    }
  });

  it('pack/: a single file, packed by itself', async () => {
    const source = await loadStore('pack', 'blake3');
    const dirent = await rootOf('pack/text200k.txt.vt');
    const content = readFileSync(join(GOLDEN, 'text200k.txt'));
    assert.ok(dirent.kind === 'file');
    assert.deepEqual(Buffer.from(await readBlockBytes(source, dirent.block)), content);
  });

  it('mount/: modes, owners, xattrs, symlinks and hard links are kept; sticky bits and parts of seconds are lost', async () => {
    const source = await loadStore('mount', 'blake3');
    const root = await rootOf('mount/rw.vt');
    assert.ok(root.kind === 'dir' && root.inodes !== undefined);
    const found = await walk(source, root);
    const manifest = readJson<ManifestEntry[]>('mount/manifest.json');
    assert.deepEqual([...found.keys()].sort(), manifest.map(({ path }) => octetsFromText(path)).sort());
    const owners: Readonly<Record<number, string>> = { 0: 'root', 1000: 'cloudsdk' };
    for (const entry of manifest) {
      const dirent = found.get(octetsFromText(entry.path));
      assert.ok(dirent !== undefined && dirent.kind === entry.type, entry.path);
      // No sticky bit is kept, and a symlink's permissions are not.
      if (entry.type !== 'symlink') assert.equal(dirent.meta.mode, Number(entry.mode) & ~0o1000, entry.path);
      assert.equal(dirent.meta.mtimeNs, BigInt(Math.floor(entry.mtime_ns / 1e9)) * 1_000_000_000n, entry.path);
      // Owners without a name on that host came as numbers.
      assert.equal(dirent.meta.user ?? dirent.meta.uid, owners[entry.uid] ?? entry.uid, entry.path);
      assert.equal(dirent.meta.group ?? dirent.meta.gid, owners[entry.gid] ?? entry.gid, entry.path);
      const xattrs = Object.fromEntries([...(dirent.meta.xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]));
      assert.deepEqual(xattrs, Object.fromEntries(Object.entries(entry.xattrs_hex ?? {}).sort()), entry.path);
      if (dirent.kind === 'symlink') assert.equal(dirent.target, entry.target);
      if (dirent.kind === 'file') {
        assert.deepEqual(await sha256Of(source, dirent), { size: entry.size, sha256: entry.sha256 }, entry.path);
        assert.equal(dirent.nlink ?? 1, entry.nlink);
      }
    }
    const first = found.get('sub/hardlink.txt' as Octets);
    assert.ok(first?.uuid !== undefined && first.name === first.uuid);
    assert.equal(found.get('sub/mid.txt' as Octets), first);
  });

  it('mount/: the root prints and encodes as ours, and opens the same tree', async () => {
    const source = await loadStore('mount', 'blake3');
    const root = await rootOf('mount/rw.vt');
    assert.deepEqual(parseDirent(formatDirent(root)), root);
    assert.deepEqual(decodeDirent(encodeDirent(root), 0).value, root);
    assert.ok(root.kind === 'dir' && (await walk(source, root)).size > 10);
  });

  it('sha1/: a file named by a text and by a URI', async () => {
    const source = await loadStore('sha1', 'sha1');
    const content = readFileSync(join(GOLDEN, 'text200k.txt'));
    const text = readFileSync(join(GOLDEN, 'sha1/dirent.txt'), 'utf8');
    const dirent = parseDirent(text.slice(0, skipReference(text, 0)));
    assert.ok(dirent.kind === 'file' && dirent.name === 'text200k.txt');
    assert.deepEqual(Buffer.from(await readBlockBytes(source, dirent.block)), content);
    const [uri = ''] = readFileSync(join(GOLDEN, 'sha1/uri.txt'), 'utf8').split(' ');
    const { target } = parseUri(uri);
    assert.ok(target.kind === 'dirent' && target.dirent.kind === 'file');
    assert.deepEqual(await sha256Of(source, target.dirent), { size: 200_000, sha256: createHash('sha256').update(content).digest('hex') });
  });

  it('a Python .vtd that ends inside a record gives the Blocks before it, and tells where it is torn', async () => {
    const path = join(GOLDEN, 'stream/store/data', 'a710acb5-95bc-425c-9eda-f03345bc14d5.vtd');
    const data = readFileSync(path);
    const whole = new MapSource('blake3');
    await scanInto(whole, data, path);
    assert.ok(whole.blocks.size > 10);
    for (const cut of [1, 100, 5000, data.length - 1]) {
      const source = new MapSource('blake3');
      const { damage, indexedTo } = await scanInto(source, data, path, cut);
      assert.deepEqual(damage, [{ start: indexedTo, end: cut, kind: 'tail' }]);
      assert.ok(source.blocks.size < whole.blocks.size);
    }
  });
});

interface ObjectEntry {
  readonly text: string;
  readonly hex: string;
}

type Objects = Readonly<Record<string, ObjectEntry>> & {
  readonly bsuint: Readonly<Record<string, string>>;
  readonly bsdata: Readonly<Record<string, string>>;
  readonly store: Readonly<Record<string, string>>;
};

const OBJECTS = readJson<Objects>('objects.json');

function objects(prefix: string): [string, ObjectEntry][] {
  return Object.entries(OBJECTS as Readonly<Record<string, ObjectEntry>>).filter(([name]) => name.startsWith(prefix));
}

describe('the single objects of objects.json', () => {
  it('integers have the same bytes, up to 2^53 - 1', () => {
    for (const [number, hex] of Object.entries(OBJECTS.bsuint)) {
      const data = Buffer.from(hex, 'hex');
      if (Number(number) > Number.MAX_SAFE_INTEGER) assert.throws(() => decodeBsuint(data, 0), ParseError);
      else {
        assert.equal(Buffer.from(encodeBsuint(Number(number))).toString('hex'), hex);
        assert.deepEqual(decodeBsuint(data, 0), { value: Number(number), next: data.length });
      }
    }
    for (const [text, hex] of Object.entries(OBJECTS.bsdata)) {
      const content = text === '200*a' ? 'a'.repeat(200) : text;
      assert.equal(Buffer.from(decodeBsdata(Buffer.from(hex, 'hex'), 0).value).toString(), content);
    }
  });

  for (const [name, { text, hex }] of objects('hash_')) {
    it(`${name} prints and encodes to the same text and bytes`, () => {
      const data = Buffer.from(hex, 'hex');
      assert.equal(formatHashcode(parseHashcode(text)), text);
      assert.deepEqual(decodeHashcode(data, 0), { value: parseHashcode(text), next: data.length });
    });
  }

  for (const [name, { text, hex }] of objects('block_')) {
    it(`${name} prints and encodes to the same text and bytes`, () => {
      const data = Buffer.from(hex, 'hex');
      const parsed = parseBlock(text);
      const { value, next } = decodeBlockref(data, 0);
      assert.equal(formatBlock(parsed), text);
      assert.equal(next, data.length);
      assert.equal(encodeBlockref(value).toString('hex'), hex);
      // A text may leave the span out, which bytes cannot.
      if (parsed.span !== -1) assert.equal(encodeBlockref(parsed).toString('hex'), hex);
    });
  }

  it('the Blocks of the objects give the bytes that the manifest tells', async () => {
    const source = new MapSource('blake3');
    for (const data of Object.values(OBJECTS.store)) source.put(Buffer.from(data, 'hex'));
    const mixed = (OBJECTS as unknown as Record<string, { text: string; data_hex: string }>)['block_indirect_mixed'];
    assert.equal(Buffer.from(await readBlockBytes(source, parseBlock(mixed?.text ?? ''))).toString('hex'), mixed?.data_hex);
    for (const [key, data] of Object.entries(OBJECTS.store)) assert.equal(digestHex(source.put(Buffer.from(data, 'hex')).digest), key);
  });

  for (const [name, { text, hex }] of objects('dirent_')) {
    it(`${name} is the same Dirent from its text and from its bytes`, () => {
      const data = Buffer.from(hex, 'hex');
      const { value, next } = decodeDirent(data, 0);
      assert.equal(next, data.length);
      assert.deepEqual(parseDirent(text), value);
      assert.deepEqual(parseDirent(formatDirent(value)), value);
      assert.deepEqual(decodeDirent(encodeDirent(value), 0).value, value);
    });

    it(`${name} cut short at any length, or with any bit flipped, gives a value or a VtError`, () => {
      const data = Buffer.from(hex, 'hex');
      for (let length = 0; length < data.length; length++)
        decodesOrRefuses(() => decodeDirent(data.subarray(0, length), 0), `${length} octets`);
      survivesEveryBitFlip(data, (damaged) => decodeDirent(damaged, 0));
    });

    it(`${name} changed anywhere in its text gives a value or a VtError`, () => {
      fc.assert(
        fc.property(fc.nat({ max: text.length - 1 }), fc.string({ maxLength: 2, unit: 'binary' }), (at, inserted) => {
          decodesOrRefuses(() => parseDirent(text.slice(0, at) + inserted + text.slice(at + 1)), text);
        }),
      );
    });
  }

  const METAS = [
    { name: 'meta_plain', mode: 0o4751, uid: undefined, user: 'root' },
    { name: 'meta_numeric_ids', mode: 0o640, uid: 54321, user: undefined },
    { name: 'meta_empty_acl', mode: undefined, uid: undefined, user: undefined },
  ];
  for (const { name, mode, uid, user } of METAS) {
    it(`${name} is read from its text and its bytes alike`, () => {
      const entry = (OBJECTS as unknown as Record<string, { text: string; textencode: string }>)[name];
      const fromText = parseDirent(`F{"f":meta:${entry?.text}}`);
      const compact = Buffer.from(entry?.textencode ?? '');
      const fromBytes = decodeDirent(Buffer.concat([Buffer.from([0, 7, 1, 0x66, compact.length]), compact]), 0).value;
      assert.deepEqual(fromText, fromBytes);
      assert.equal(fromText.meta.mode, mode);
      assert.equal(fromText.meta.uid, uid);
      assert.equal(fromText.meta.user, user);
    });
  }

  it('its setgid is ours, which it takes for setuid itself', () => {
    const compact = Buffer.from((OBJECTS as unknown as Record<string, { textencode: string }>)['meta_setgid']?.textencode ?? '');
    const { value } = decodeDirent(Buffer.concat([Buffer.from([0, 7, 1, 0x66, compact.length]), compact]), 0);
    assert.equal(value.meta.mode, 0o2755);
  });

  it('its xattrs are octets, from text and from JSON', () => {
    const entry = (OBJECTS as unknown as Record<string, { text: string; textencode: string }>)['meta_xattr'];
    const fromText = parseDirent(`F{"f":meta:${entry?.text}}`);
    const json = Buffer.from(entry?.textencode ?? '');
    const fromBytes = decodeDirent(Buffer.concat([Buffer.from([0, 7, 1, 0x66]), encodeBsuint(json.length), json]), 0).value;
    assert.deepEqual(fromText, fromBytes);
    assert.deepEqual(
      [...(fromText.meta.xattrs ?? [])].map(([name, value]) => [name, Buffer.from(value).toString('hex')]),
      [
        ['user.bin', '0001ff80'],
        ['user.comment', Buffer.from('a comment').toString('hex')],
      ],
    );
  });
});

it('the text that the Python vt prints of a packed path is read: its last element is the name, and a span may be missing', () => {
  const block = 'I{B{hash:H{sha1:1687ff4ec08019439a512cf4931ee154db85c6ed}}}';
  const meta = 'meta:M{a:"o:rw-x",m:1795357098.208380}';
  for (const [name, found] of [
    ['a/b/text', 'text'],
    ['/abs/text', 'text'],
    ['dir/', 'dir'],
    ['dir//', 'dir'],
    ['plain', 'plain'],
    ['/', ''],
  ] as const)
    assert.equal(parseDirent(`F{"${name}":${meta},block:${block}}`).name, found, name);
  assert.throws(() => parseDirent(`F{"a/..":${meta},block:${block}}`), ParseError);
  assert.throws(() => parseDirent(`F{name:"a/b",block:${block}}`), ParseError);
});
