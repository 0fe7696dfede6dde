import { crc32 } from 'node:zlib';
import { parseMode } from '../../../commands/parts/mode.ts';
import { formatArchiveLine, parseArchiveLine } from '../../../core/archive/archive-line.ts';
import { parseDate } from '../../../core/base/date.ts';
import { compileGlob, hasGlob } from '../../../core/base/glob-pattern.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { readSize } from '../../../core/block/size-text.ts';
import { formatDatadirFormat, parseDatadirFormat } from '../../../core/datadir/datadir-format.ts';
import { parseReference } from '../../../core/dirent/reference.ts';
import { skipReference } from '../../../core/dirent/reference-skip.ts';
import { formatUri, parseUri } from '../../../core/dirent/uri.ts';
import { formatStoreSpecification, parseStoreSpecification } from '../../../core/openers/open-store.ts';
import type { ParsedCommand } from '../../../shell/line/line.ts';
import { parseLine, parseOpenLine } from '../../../shell/line/line.ts';
import { parseConfiguration } from '../../../shell/session/config-clauses.ts';
import { dirents } from '../arbitraries.ts';
import type { FuzzTarget } from './fuzz-target.ts';
import { bucket, decoded, must, mustEqual } from './fuzz-target.ts';
import { goldenLines, goldenObjects, samples, texts } from './golden-seeds.ts';

const FIRST_NS = -62_135_596_800_000_000_000n;
const LAST_NS = 253_402_300_800_000_000_000n;

function checkCommands(commands: readonly ParsedCommand[], source: string): string {
  let at = 0;
  for (const { words, start, end, redirect } of commands) {
    must(at <= start && start <= end && end <= source.length, `a command from ${start} to ${end} after ${at}`);
    must(words.length > 0, 'a command without a name');
    for (const word of [...words, ...(redirect === undefined ? [] : [redirect.target])]) {
      must(word.start <= word.end && word.end <= source.length, `a word from ${word.start} to ${word.end}`);
      mustEqual(word.quoted.length, word.text.length, 'octets of a word and their marks');
    }
    at = start;
  }
  return `${bucket(commands.length)} commands: ${commands
    .slice(0, 4)
    .map((one) => `${one.joinedBy}${bucket(one.words.length)}${one.pipe === undefined ? '' : '|'}${one.redirect === undefined ? '' : '>'}`)
    .join()}`;
}

function checkSpecification(text: string): string {
  const found = decoded(() => parseStoreSpecification(text), ['EUSAGE']);
  if ('refusal' in found) return found.refusal;
  const written = formatStoreSpecification(found.value);
  mustEqual(formatStoreSpecification(parseStoreSpecification(written)), written, 'a specification, read back');
  return `${found.value.kind} ${found.value.kind === 'form' ? Object.entries(found.value.parameters).map(([name, value]) => `${found.value.kind}${name}${typeof value === 'object' ? value.length : ''}`) : ''}`;
}

const CONFIGURATION = `[GLOBAL]
basedir = /srv/vt
[default]
store = proxy:read=datadir:/a|[far],save=memory:
[far]
type = filecache
maxsize = 20G
path = "far away"
[a.b]
type = datadir
compression = zlib
`;

/** What people write, and what they paste. */
export const TEXT_TARGETS: readonly FuzzTarget[] = [
  {
    name: 'archive-line',
    seeds: () => [
      ...goldenLines('vtftp/archive.vt'),
      ...goldenLines('vtftp/archive-notes.vt'),
      ...goldenLines('python-vt/pack/tree.vt'),
      ...samples(dirents, (dirent) => formatArchiveLine({ whenNs: 1_795_364_221_123_456_789n, dirent }), 40),
    ],
    mend(data) {
      const text = data.toString('latin1').replace(/ !crc32:[\da-f]{0,8}$/, '');
      return Buffer.from(`${text} !crc32:${crc32(Buffer.from(text, 'latin1')).toString(16).padStart(8, '0')}`, 'latin1');
    },
    check(data) {
      const found = decoded(() => parseArchiveLine(data.toString('latin1')));
      if ('refusal' in found) return found.refusal;
      if (found.value === undefined) return 'nothing';
      const { whenNs, dirent } = found.value;
      if (whenNs < FIRST_NS || whenNs >= LAST_NS) return 'beyond the years that a line can be written for';
      const line = formatArchiveLine(found.value);
      const back = parseArchiveLine(line);
      must(back !== undefined, 'a line that says nothing');
      mustEqual(formatArchiveLine(back), line, 'a line, read back');
      return `${dirent.kind} ${bucket(line.length)}`;
    },
  },
  {
    name: 'uri',
    seeds: () => [
      ...goldenLines('python-vt/sha1/uri.txt'),
      ...samples(
        dirents,
        (dirent) => formatUri({ target: { kind: 'dirent', dirent }, path: '/a/é' as Octets, isDir: true, host: '::1', port: 99 }),
        60,
      ),
      ...texts(
        'x-vt://host:1234/h/sha1:a9993e364706816aba3e25717850c26c9cd0d89d/a%20b/',
        'x-vt:/d/i/sha1:a9993e364706816aba3e25717850c26c9cd0d89d',
      ),
    ],
    tokens: ['x-vt:', '//', '[::1]:80', 'h/', 'i/', 'd/', 'f/', '%7B', '%00', '%2F', 'D{', 'sha3-256:'],
    check(data) {
      const found = decoded(() => parseUri(data.toString('latin1')));
      if ('refusal' in found) return found.refusal;
      const text = formatUri(found.value);
      mustEqual(formatUri(parseUri(text)), text, 'a URI, read back');
      return `${found.value.target.kind} ${found.value.host === undefined} ${bucket(found.value.path.length)} ${found.value.isDir}`;
    },
  },
  {
    name: 'reference',
    seeds: () => goldenObjects('text', /\{/),
    check(data) {
      const text = data.toString('latin1');
      const end = skipReference(text, 0);
      must(end === undefined || (end > 0 && end <= text.length), `a reference ends at ${end}`);
      const found = decoded(() => parseReference(text));
      return 'refusal' in found ? found.refusal : `${found.value.kind} ${end === text.length}`;
    },
  },
  {
    name: 'specification',
    maxSize: 16_384,
    seeds: () =>
      texts(
        ...[
          'default',
          '/srv/store',
          'datadir:/a,compression=zlib,durability=strict',
          'filecache:/c?maxsize=20G&hash=sha1',
          'memory:',
          '[far]',
          '!ssh x',
        ],
        ...[
          'proxy:read=datadir:/a|[b]|(memory:),save="filecache:/c,maxsize=1M"',
          'proxy(save=default,read=("a b"|[c]))',
          'proxy(constructor=',
          'progress:(datadir:"compression =x")',
          'file:datafile.vtd',
        ],
        ...['"datadir:\\"a b\\""', 'progress:datadir:/x', 'platonic:/home,hash=sha256', '(((default)))', `(([${' '.repeat(16_000)}"`],
      ),
    tokens: [
      '|',
      '((',
      '))',
      '",',
      '\\"',
      'proxy:',
      'proxy(',
      'read=',
      'save2=',
      'copy2=',
      'default|',
      '!cmd',
      '[x]',
      '?',
      '&',
      'maxsize=1.5G',
    ],
    check(data) {
      const text = data.toString('utf8');
      const size = readSize(text);
      must(size === undefined || (Number.isSafeInteger(size) && size > 0), `a size of ${size}`);
      return checkSpecification(text);
    },
  },
  {
    name: 'configuration',
    seeds: () => texts(CONFIGURATION, '[a]\nstore = datadir:/x\n; b\n[b]\ntype=proxy\nread="[a]"\n', '[x]\nstore[] = 1\n', 'a = 1\n'),
    tokens: ['[GLOBAL]\n', 'type = ', 'store = ', '\n[', ']\n', '[]', '[__proto__]\n', '\\.', 'basedir=', 'true', 'null', '[a.b.c]\n'],
    check(data) {
      const text = data.toString('utf8');
      const found = decoded(() => parseConfiguration(text, 'vtftp.conf'), ['EUSAGE', 'EPARSE']);
      if ('refusal' in found) return found.refusal;
      const names = text
        .split('\n')
        .flatMap((line) => (line.startsWith('[') && line.endsWith(']') ? [line.slice(1, -1)] : []))
        .slice(0, 20);
      const kinds = names.map((name) => {
        const store = decoded(() => found.value.clause(name), ['EUSAGE', 'EPARSE', 'EOPEN']);
        return 'refusal' in store ? store.refusal : `${store.value.kind} ${formatStoreSpecification(store.value).length > 0}`;
      });
      return `${found.value.defaultStore === undefined} ${[...new Set(kinds)].sort().join(' / ').slice(0, 300)}`;
    },
  },
  {
    name: 'command-line',
    seeds: () => [
      ...texts(
        ...[
          'ls -l a b; cd "x y" && get \'z\' || echo no',
          'cat a | wc -l > out',
          '-@rm -r *',
          "put $'a\\x00\\n' >> file # end",
          '!ls | sort; pwd',
        ],
        ...[
          'get a\\ b\ncd ..\n',
          'open D{name:"a b",block:LB{}}/x "y"',
          'open x-vt:/D{block:LB{}}/a;ls',
          'a&&\nb',
          'echo "\\"" \'\\\' \\\\',
          // Openings that nothing closes.
          'I{&&'.repeat(16_000),
        ],
      ),
      ...goldenObjects('text', /^D\{/).map((text) => Buffer.concat([Buffer.from('ls '), text])),
    ],
    tokens: ['&&', '||', '>>', "$'", '\\x', '# ', '!', '@-', 'D{', 'x-vt:/', 'LB{', '"D{', ' D{"', '| ', "'\n"],
    check(data) {
      const source = data.toString('latin1') as Octets;
      const open = decoded(() => parseOpenLine(source, skipReference), ['EUSAGE']);
      const whole = decoded(() => parseLine(source, skipReference), ['EUSAGE']);
      const openKind = 'refusal' in open ? open.refusal : `${open.value?.quote} ${open.value?.opaque} ${open.value?.redirected}`;
      return `${openKind} / ${'refusal' in whole ? whole.refusal : checkCommands(whole.value, source)}`;
    },
  },
  {
    name: 'store-settings',
    seeds: () => [
      ...texts(
        formatDatadirFormat({
          storeId: '01234567-89ab-cdef-0123-456789abcdef',
          hashName: 'sha3-256',
          edges: { kernel: 'poly32-1', minSize: 2048, meanSize: 8192, maxSize: 32_768 },
          compression: 'zlib',
          generation: 3,
          durability: 'batch',
          shared: 'group',
        }),
      ),
    ],
    tokens: ['format=1\n', 'hash=sha1\n', 'min=1\n', 'max=2097152\n', 'durability=none\n', '; x\n', ' = '],
    check(data) {
      const found = decoded(() => parseDatadirFormat(data.toString('utf8')));
      if ('refusal' in found) return found.refusal;
      const text = formatDatadirFormat(found.value);
      mustEqual(formatDatadirFormat(parseDatadirFormat(text)), text, 'the settings of a Store, read back');
      return `${found.value.hashName} ${found.value.durability} ${found.value.compression}`;
    },
  },
  {
    name: 'date',
    maxSize: 16_384,
    seeds: () =>
      texts(
        'now',
        'yesterday',
        '90s',
        '2w',
        '@1795364221.123456789',
        '@-1.5',
        '2026-11-22',
        '2026-11-22T16:17:01.123456789Z',
        '2026-11-22 16:17+01:00',
      ),
    check(data) {
      const found = decoded(() => parseDate(data.toString('utf8'), new Date(1_795_364_221_000)), ['EUSAGE']);
      if ('refusal' in found) return found.refusal;
      must(found.value >= -(2n ** 51n) * 1_000_000_000n && found.value < 2n ** 51n * 1_000_000_000n, 'a date that no format can hold');
      return `a date of ${bucket(Number(found.value))}`;
    },
  },
  {
    name: 'glob',
    seeds: () =>
      texts('*.txt\na.txt', 'a?[b-d]*\nabcd', '[!a-z]\\*\nA*', '*a*b*c\naabbccc', '[]-a]\n]', '.*\n.x', 'é?\né☃', '[[:alpha:]]*\n[a]'),
    tokens: ['*', '?', '[', ']', '[!', '-', '\\', '*a', 'a', '\n'],
    check(data) {
      const text = data.toString('latin1');
      const split = text.indexOf('\n');
      const pattern = (split < 0 ? text : text.slice(0, split)) as Octets;
      // Names as long as a Dir may hold them, and not only as a disk may.
      const name = (split < 0 ? 'aaa' : text.slice(split + 1)).slice(0, 4096) as Octets;
      const matches = compileGlob(pattern.slice(0, 4096) as Octets);
      return `${hasGlob(pattern)} ${matches(name)} ${bucket(pattern.length)} ${bucket(name.length)}`;
    },
  },
  {
    name: 'mode',
    seeds: () => texts('0644', 'u+rwX,go-w,a=r,g+s,+t', 'ugo=u', 'a-x'),
    tokens: ['u', 'g', 'o', 'a', '+', '-', '=', 'rwxXst', ','],
    check(data) {
      const found = decoded(() => parseMode(data.toString('latin1')), ['EUSAGE']);
      if ('refusal' in found) return found.refusal;
      const mode = found.value(0o644, false);
      must(mode >= 0 && mode <= 0o7777, `a mode of ${mode}`);
      return `mode ${mode}`;
    },
  },
];
