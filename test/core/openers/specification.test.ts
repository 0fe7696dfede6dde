import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { ParseError } from '../../../core/base/errors.ts';
import { HASH_NAMES } from '../../../core/block/hash.ts';
import { readSize } from '../../../core/block/size-text.ts';
import { formatStoreSpecification, parseStoreClause, parseStoreSpecification } from '../../../core/openers/open-store.ts';
import type { StoreForm, StoreParameters, StoreSpecification } from '../../../core/openers/specification.ts';
import { SpecificationError } from '../../../core/openers/specification.ts';

function form(type: string, parameters: StoreParameters): StoreForm {
  return { kind: 'form', type, parameters };
}

const datadir = (path: string): StoreForm => form('datadir', { path });
const word = (text: string): StoreSpecification => ({ kind: 'word', word: text });
const clause = (name: string): StoreSpecification => ({ kind: 'clause', clause: name });

const GOOD: readonly (readonly [text: string, expected: StoreSpecification])[] = [
  ['default', { kind: 'default' }],
  ['/srv/store', datadir('/srv/store')],
  ['store', word('store')],
  ['a store', word('a store')],
  ['./store', datadir('./store')],
  ['.', datadir('.')],
  ['~', datadir('~')],
  ['datadir:store', datadir('store')],
  ['proxy:save=a|./b|"c d"', form('proxy', { save: [word('a'), datadir('./b'), word('c d')] })],
  ['./a:b', datadir('./a:b')],
  ['/a, b|c (d)', datadir('/a, b|c (d)')],
  ['defaults', word('defaults')],
  ['~/vt', datadir('~/vt')],
  ['datadir:~/vt', datadir('~/vt')],
  ['datadir:/a path/with:colon', datadir('/a path/with:colon')],
  ['datadir:"/a, b"', datadir('/a, b')],
  ['datadir:"a \\"quoted\\" \\\\ name",hash=sha1', form('datadir', { path: 'a "quoted" \\ name', hash: 'sha1' })],
  ['datadir:path=/x', datadir('/x')],
  ['datadir:/x,durability=strict,compression=zlib', form('datadir', { path: '/x', compression: 'zlib', durability: 'strict' })],
  ['datadir:/x,edges=2K:8K:32K', form('datadir', { path: '/x', edges: '2K:8K:32K' })],
  ['datadir:/x,edges=2K:8K:32K:128M', form('datadir', { path: '/x', edges: '2K:8K:32K:128M' })],
  ['datadir(/x, edges=1:64:16M)', form('datadir', { path: '/x', edges: '1:64:16M' })],
  ['"datadir:/x"', datadir('/x')],
  ['(datadir:/x)', datadir('/x')],
  ['datadir:x?hash=blake3', form('datadir', { path: 'x', hash: 'blake3' })],
  ['datadir:x,hash=blake3', form('datadir', { path: 'x', hash: 'blake3' })],
  ['memory:', form('memory', {})],
  ['memory:1000', form('memory', { maxsize: 1000 })],
  ['memory:maxsize=1.5K', form('memory', { maxsize: 1536 })],
  ['memory:1000?hash=sha1', form('memory', { maxsize: 1000, hash: 'sha1' })],
  ['memory(max_data=8 MiB)', form('memory', { maxsize: 8 * 2 ** 20 })],
  ['file:x.vtd', form('file', { path: 'x.vtd' })],
  ['filecache:/c,maxsize=10G', form('filecache', { path: '/c', maxsize: 10 * 2 ** 30 })],
  ['filecache(path="/c",max_files=4)', form('filecache', { path: '/c', files: 4 })],
  ['platonic:/srv/media', form('platonic', { path: '/srv/media' })],
  ['unix:/run/vt.sock', form('unix', { path: '/run/vt.sock' })],
  ['unix:~/vt.sock,export=photos,protocol=vt', form('unix', { path: '~/vt.sock', export: 'photos', protocol: 'vt' })],
  ['tcp:host:7070,secret=/etc/key', form('tcp', { address: 'host:7070', secret: '/etc/key' })],
  ['tcp:[::1]:7070', form('tcp', { address: '[::1]:7070' })],
  ['[main]', clause('main')],
  ['[ two words ]', clause('two words')],
  ['!ssh host vtftp serve -', { kind: 'command', command: 'ssh host vtftp serve -' }],
  ['|ssh host vt serve -', { kind: 'command', command: 'ssh host vt serve -' }],
  ['proxy:save=/a|[b],read=/c', form('proxy', { save: [datadir('/a'), clause('b')], read: [datadir('/c')] })],
  ['proxy:read=/c,save=/a', form('proxy', { save: [datadir('/a')], read: [datadir('/c')] })],
  [
    'proxy:save=[a],copy2=(filecache:/c,maxsize=1K),read2=memory:|default',
    form('proxy', {
      save: [clause('a')],
      read2: [form('memory', {}), { kind: 'default' }],
      copy2: [form('filecache', { path: '/c', maxsize: 1024 })],
    }),
  ],
  ['proxy(save="[a],/b")', form('proxy', { save: [clause('a'), datadir('/b')] })],
  [
    'proxy(save=[a],read=filecache(/c,files=2)|[b])',
    form('proxy', { save: [clause('a')], read: [form('filecache', { path: '/c', files: 2 }), clause('b')] }),
  ],
  ['proxy:save="filecache:/c,maxsize=1K,/d"', form('proxy', { save: [form('filecache', { path: '/c', maxsize: 1024 }), datadir('/d')] })],
  ['proxy:save=(proxy:save=[a]|[b])', form('proxy', { save: [form('proxy', { save: [clause('a'), clause('b')] })] })],
  ['progress:datadir:/x', form('progress', { store: [datadir('/x')] })],
  ['progress:(memory:5,hash=sha1)', form('progress', { store: [form('memory', { maxsize: 5, hash: 'sha1' })] })],
];

const BAD: readonly (readonly [text: string, column: number, says: RegExp, remedy?: RegExp])[] = [
  ['', 1, /empty/, /datadir:PATH/],
  ['  ', 1, /empty/],
  ['datadir:', 9, /datadir needs a path/, /datadir:PATH/],
  ['datadir:/a,b', 12, /expected NAME=VALUE, found "b"/, /double quotes/],
  ['datadir:/a,colour=red', 12, /unknown parameter "colour" of datadir/, /path, hash/],
  ['datadir:/a,hash=sha1,hash=sha1', 22, /"hash" is given twice/],
  ['datadir:"/a', 9, /quote is not closed/, /close it with "/],
  ['datadir:"/a\\n"', 12, /expected \\" or \\\\/],
  ['datadir:/a|/b', 11, /expected the end, found "\|\/b"/],
  ['memory:many', 8, /number of bytes, found "many"/, /512K/],
  ['memory:-1', 8, /number of bytes/],
  ['memory:0', 8, /number of bytes/],
  ['ftp:host', 1, /unknown type of Store "ftp"/, /datadir, /],
  ['memory:?colour=red', 9, /unknown parameter "colour"/],
  ['proxy(constructor=', 7, /unknown parameter "constructor" of proxy/],
  ['memory:?hash=md5', 14, /unknown hash "md5"/, /sha3-256/],
  ['datadir:x?hash=sha1&hash=', 21, /given twice/],
  ['datadir:x?hash=', 16, /expected one of sha1/],
  ['filecache:/c,files=many', 20, /expected a number/],
  ['tcp:', 5, /tcp needs a/],
  ['unix:/x,protocol=http', 18, /unknown protocol "http"/, /vtftp, vt/],
  ['datadir:/x,edges=8K:2K:32K', 18, /expected MIN:MEAN:MAX/, /2K:8K:32K/],
  ['datadir:/x,edges=2K:8K:32K:', 18, /expected MIN:MEAN:MAX/],
  ['datadir:/x,edges=2K:8K:32K:1M:2M', 18, /expected MIN:MEAN:MAX/],
  ['datadir:/x,edges=8K', 18, /expected MIN:MEAN:MAX/],
  ['datadir:/x,edges=1:64:17M', 18, /expected MIN:MEAN:MAX/],
  ['datadir:/x,edges=', 18, /expected MIN:MEAN:MAX\[:COARSE\] for "edges"/],
  ['./x?durability=none', 4, /durability= belongs to a type of Store/, /datadir:\.\/x\?durability=none/],
  ['/x,hash=sha1', 3, /hash= belongs to a type of Store/, /datadir:\/x,hash=sha1/],
  ['[]', 1, /expected \[NAME\]/],
  ['[open', 1, /expected \[NAME\]/],
  ['!', 2, /expected a command/],
  ['proxy:/a', 7, /expected the end/],
  ['proxy:save=', 12, /expected a Store/],
  ['proxy:save=/a||/b', 15, /expected a Store/],
  ['proxy:save=(/a', 15, /expected "\)"/],
  ['proxy:save="[a],wat:x"', 17, /unknown type of Store "wat"/],
  ['proxy(save=[a]', 15, /expected ","/, /close the parameters/],
  ['progress:', 10, /progress needs a store/],
  ['"datadir:/x" y', 14, /expected the end/],
];

describe('Store specifications', () => {
  for (const [text, expected] of GOOD) {
    it(`${text} is read`, () => {
      assert.deepEqual(parseStoreSpecification(text), expected);
      assert.deepEqual(parseStoreSpecification(formatStoreSpecification(expected)), expected);
    });
  }
  for (const [text, column, says, remedy] of BAD) {
    it(`${JSON.stringify(text)} is refused at column ${column}`, () => {
      assert.throws(
        () => parseStoreSpecification(text),
        (error) => {
          assert.ok(error instanceof SpecificationError && error instanceof ParseError, String(error));
          assert.match(error.message, says);
          assert.equal(error.offset + 1, column, error.message);
          assert.ok(error.message.endsWith(`, at column ${column}`));
          if (remedy !== undefined) assert.match(error.remedy ?? '', remedy);
          return true;
        },
      );
    });
  }
});

const paths = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 12 }).filter((text) => text.trim() !== '');
const sizes = fc.integer({ min: 1, max: 2 ** 50 });

const { specification } = fc.letrec<{ specification: StoreSpecification; stores: readonly StoreSpecification[] }>((tie) => ({
  stores: fc.array(tie('specification'), { minLength: 1, maxLength: 3 }),
  specification: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constant<StoreSpecification>({ kind: 'default' }),
    fc.stringMatching(/^[A-Za-z0-9_.-]{1,8}$/).map((name) => clause(name)),
    fc.stringMatching(/^[a-z"|,() \\-]{0,10}[a-z]$/).map((command): StoreSpecification => ({ kind: 'command', command: command.trim() })),
    fc
      .tuple(paths, fc.option(fc.constantFrom(...HASH_NAMES)))
      .map(([path, hash]) => form('datadir', { path, ...(hash === null ? {} : { hash }) })),
    fc.option(sizes).map((maxsize) => form('memory', maxsize === null ? {} : { maxsize })),
    fc.tuple(paths, sizes, fc.integer({ min: 1, max: 99 })).map(([path, maxsize, files]) => form('filecache', { path, maxsize, files })),
    fc.tuple(tie('stores'), tie('stores'), sizes).map(([save, read2, maxspool]) => form('proxy', { save, read2, maxspool })),
    tie('specification').map((store) => form('progress', { store: [store] })),
  ),
}));

it('what is printed of a specification is read back to the same', () => {
  fc.assert(
    fc.property(specification, (value) => assert.deepEqual(parseStoreSpecification(formatStoreSpecification(value)), value)),
    { numRuns: 2000 },
  );
});

it('no text makes the grammar do anything but read it or name a column in it', () => {
  const signs = fc.constantFrom(
    'proxy:',
    'save=',
    'datadir:',
    '(',
    ')',
    '[',
    ']',
    '"',
    '|',
    ',',
    '\\',
    'a',
    '/',
    ' ',
    '=',
    '?',
    '!',
    'memory(',
    'é',
  );
  fc.assert(
    fc.property(fc.array(signs, { maxLength: 14 }), (parts) => {
      const text = parts.join('');
      try {
        const value = parseStoreSpecification(text);
        assert.deepEqual(parseStoreSpecification(formatStoreSpecification(value)), value);
      } catch (error) {
        assert.ok(error instanceof SpecificationError, String(error));
        assert.ok(error.offset >= 0 && error.offset <= text.length, `${error.offset} of ${text.length}`);
      }
    }),
    { numRuns: 3000 },
  );
});

const SIZES: readonly (readonly [text: string, size: number | undefined])[] = [
  ['1', 1],
  ['512K', 524_288],
  ['512 KiB', 524_288],
  ['512kb', 512_000],
  ['20M', 20_971_520],
  ['1.5G', 1_610_612_736],
  ['2TB', 2_000_000_000_000],
  ['7 B', 7],
  ['0', undefined],
  ['-1', undefined],
  ['1e3', undefined],
  ['K', undefined],
  ['9999P', undefined],
  ['1 000', undefined],
];

for (const [text, size] of SIZES) it(`the size ${text} is ${size ?? 'refused'}`, () => assert.equal(readSize(text), size));

it('the parameters of a clause are read, each with the name and column of what is wrong', () => {
  const fail = (name: string, error: unknown): Error =>
    new Error(`${name}: ${error instanceof SpecificationError ? error.what : String(error)}`);
  assert.deepEqual(
    parseStoreClause(
      'proxy',
      [
        ['save', '[a], datadir:/b, c'],
        ['read2', 'filecache:/c,maxsize=1K | memory:'],
      ],
      fail,
    ),
    form('proxy', {
      save: [clause('a'), datadir('/b'), word('c')],
      read2: [form('filecache', { path: '/c', maxsize: 1024 }), form('memory', {})],
    }),
  );
  assert.deepEqual(parseStoreClause('datadir', [['path', '/a, b']], fail), datadir('/a, b'));
  assert.throws(() => parseStoreClause('datadir', [], fail), /type: datadir needs a path/);
  assert.throws(() => parseStoreClause('wat', [], fail), /type: unknown type of Store "wat"/);
  assert.throws(() => parseStoreClause('memory', [['max_data', 'lots']], fail), /max_data: expected a number of bytes/);
  assert.throws(() => parseStoreClause('memory', [['colour', 'red']], fail), /colour: unknown parameter "colour"/);
});
