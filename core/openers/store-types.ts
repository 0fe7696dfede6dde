import { SHARED_VALUES } from '../base/system/store-files.ts';
import { CONTENT_HASH_NAMES, HASH_NAMES } from '../block/hash.ts';
import { COMPRESSIONS, LEVELS } from '../datadir/datadir-format.ts';
import { DURABILITIES } from '../store/durability.ts';
import type { StoreType } from './opener.ts';

/**
 * Every type of Store. A new type is a file and a row here. Openers are imported on first use, so that a session loads no more than it
 * needs.
 */
export const STORE_TYPES: readonly StoreType[] = [
  {
    type: 'datadir',
    primary: 'path',
    parameters: {
      path: 'path',
      hash: HASH_NAMES,
      compression: COMPRESSIONS,
      level: LEVELS,
      edges: 'edges',
      durability: DURABILITIES,
      shared: SHARED_VALUES,
      trust: ['no', 'yes'],
    },
    required: ['path'],
    open: async (given, context) => (await import('./open-datadir.ts')).openDatadirStore(given, context),
  },
  {
    type: 'memory',
    primary: 'maxsize',
    parameters: { maxsize: 'size', hash: HASH_NAMES },
    aliases: { max_data: 'maxsize' },
    open: async (given, context) => (await import('./open-memory.ts')).openMemoryStore(given, context),
  },
  {
    type: 'file',
    primary: 'path',
    parameters: { path: 'path', hash: HASH_NAMES },
    required: ['path'],
    open: async (given, context) => (await import('./open-raw-datafile.ts')).openRawDatafile(given, context),
  },
  {
    type: 'filecache',
    primary: 'path',
    parameters: { path: 'path', maxsize: 'size', files: 'count', filesize: 'size', hash: HASH_NAMES, backend: 'store' },
    required: ['path'],
    aliases: { max_files: 'files', max_file_size: 'filesize' },
    open: async (given, context) => (await import('./open-filecache.ts')).openFilecacheStore(given, context),
  },
  {
    type: 'platonic',
    primary: 'path',
    parameters: { path: 'path', index: 'path', hash: CONTENT_HASH_NAMES, watch: ['no', 'yes'] },
    required: ['path'],
    open: async (given, context) => (await import('./open-platonic.ts')).openPlatonicStore(given, context),
  },
  {
    type: 'proxy',
    parameters: { save: 'stores', read: 'stores', save2: 'stores', read2: 'stores', copy2: 'stores', maxspool: 'size' },
    open: async (given, context) => (await import('./open-proxy.ts')).openProxyStore(given, context),
  },
  {
    type: 'progress',
    primary: 'store',
    parameters: { store: 'store' },
    required: ['store'],
    open: async (given, context) => (await import('./open-progress.ts')).openProgressStore(given, context),
  },
  {
    type: 'sealed',
    primary: 'key',
    second: 'backend',
    parameters: { key: 'path', passphrase: 'path', command: 'text', backend: 'store', hash: CONTENT_HASH_NAMES },
    required: ['backend'],
    open: async (given, context) => (await import('./open-sealed.ts')).openSealedStore(given, context),
  },
  {
    type: 'unix',
    primary: 'path',
    parameters: { path: 'path', export: 'text', secret: 'path', protocol: ['vtftp', 'vt'], hash: HASH_NAMES },
    required: ['path'],
    open: async (given, context) => (await import('./open-stream.ts')).openUnixStore(given, context),
  },
  {
    type: 'tcp',
    primary: 'address',
    parameters: {
      address: 'text',
      export: 'text',
      secret: 'path',
      cert: 'path',
      key: 'path',
      ca: 'path',
      protocol: ['vtftp', 'vt'],
      hash: HASH_NAMES,
    },
    required: ['address'],
    open: async (given, context) => (await import('./open-stream.ts')).openTcpStore(given, context),
  },
  {
    type: 'ssh',
    primary: 'address',
    parameters: { address: 'text' },
    required: ['address'],
    open: async (given, context) => (await import('./open-stream.ts')).openSshStore(given, context),
  },
  ...(['http', 'https'] as const).map(
    (type): StoreType => ({
      type,
      primary: 'address',
      parameters: { address: 'text', token: 'path', ca: 'path', hash: HASH_NAMES },
      required: ['address'],
      open: async (given, context) => (await import('./open-http.ts')).openHttpStore(type, given, context),
    }),
  ),
  {
    type: 's3',
    primary: 'address',
    parameters: {
      address: 'text',
      endpoint: 'text',
      region: 'text',
      style: ['path', 'host'],
      profile: 'text',
      keys: ['find', 'none'],
      ca: 'path',
      hash: HASH_NAMES,
      compression: ['none', 'zlib'],
      edges: 'edges',
      layout: ['packs', 'blocks'],
      retain: 'count',
    },
    required: ['address'],
    open: async (given, context) => (await import('./open-s3.ts')).openS3Store(given, context),
  },
];
