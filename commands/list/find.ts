import { parseDate } from '../../core/base/date.ts';
import { UsageError } from '../../core/base/errors.ts';
import { compileGlob } from '../../core/base/glob-pattern.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsFromText, octetsToBytes, octetsToText } from '../../core/base/octets.ts';
import type { DirentKind } from '../../core/dirent/dirent.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { TreeEntry } from '../../core/tree/tree.ts';
import { defineTreeCommand } from '../command.ts';
import { PassedDamage } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import type { FoundEntry } from '../parts/entry.ts';
import { withEntry } from '../parts/entry.ts';
import { entryRecord } from '../parts/format.ts';
import { OutputTurns } from '../parts/output-turns.ts';
import { ENTRY_RECORD } from '../parts/records.ts';
import { numberOption } from '../words/number-option.ts';

type Test = (entry: TreeEntry) => boolean;

const KINDS: Readonly<Record<string, DirentKind>> = { f: 'file', d: 'dir', l: 'symlink', p: 'fifo', s: 'socket', c: 'char', b: 'block' };
const SIZE_FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `find`: lists paths below a Dir that pass every test, in the order of the walk. */
export const find = defineTreeCommand({
  name: 'find',
  group: 'list',
  summary: 'print the paths below a Dir that pass every test',
  details: [
    'Symlinks are not followed. Paths are absolute, one a line. Quote the pattern of --name, or the shell expands it first. Each option may be written with one dash, as find(1) has it. NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'where to start; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'name', value: { name: 'GLOB', kind: 'text' }, summary: 'the last element matches GLOB' },
    { name: 'iname', value: { name: 'GLOB', kind: 'text' }, summary: 'as --name, in upper or lower case' },
    {
      name: 'type',
      value: { kind: 'text', choices: Object.keys(KINDS) },
      summary: 'f file, d Dir, l symlink, p FIFO, s socket, c or b device',
    },
    { name: 'size', value: { name: 'SIZE', kind: 'text' }, summary: '+N larger than N bytes, -N smaller, N exactly; units k, M, G, T' },
    { name: 'newer', value: { name: 'DATE', kind: 'text' }, summary: 'modified after DATE (ISO-8601)' },
    { name: 'older', value: { name: 'DATE', kind: 'text' }, summary: 'modified before DATE (ISO-8601)' },
    { name: 'mtime', value: { name: 'DAYS', kind: 'text' }, summary: 'modified DAYS whole days ago, +DAYS more, -DAYS fewer' },
    { name: 'maxdepth', value: { name: 'N', kind: 'number', min: 0 }, summary: 'at most N levels below PATH; 0 is PATH alone' },
    { name: 'null', short: '0', aliases: ['print0'], summary: 'end each path with NUL instead of newline' },
  ],
  examples: [
    { line: "find / -name '*.pdf' -size +1M", says: 'large PDF files' },
    { line: 'find -type f -mtime -7', says: 'files that changed in the last week' },
  ],
  records: [ENTRY_RECORD],
  async run(context, { args, options }) {
    const { session, output, signal, now } = context;
    const damage = new PassedDamage(context, 'find');
    const turns = new OutputTurns(context);
    const tests = parseTests(options, now());
    const maxDepth = numberOption({ options }, 'maxdepth') ?? Number.POSITIVE_INFINITY;
    await forEachItem(context, args.length === 0 ? ['.' as Octets] : args, async (start) => {
      await withEntry(session, start, 'find', { follow: false, signal }, async (found) => {
        for await (const entry of entriesBelow(found, damage, maxDepth, signal)) {
          await turns.next();
          if (!tests.every((test) => test(entry))) continue;
          // Each branch reads `path` once, since it is composed at each access.
          if (output.json) output.record(entryRecord(entry));
          else if (options.has('null')) await output.bytes(octetsToBytes(`${entry.path}\0` as Octets));
          else output.line(output.name(entry.path));
        }
      });
    });
    damage.throwIfAny();
  },
});

/** The found entry and all entries below it, depth first, each Dir before its contents. Holds one open listing a level. */
async function* entriesBelow(
  { tree, path: start, entry: top }: FoundEntry,
  damage: PassedDamage,
  maxDepth: number,
  signal: AbortSignal,
): AsyncGenerator<TreeEntry> {
  yield top;
  if (top.dirent.kind !== 'dir' || maxDepth < 1) return;
  const enter = (at: TreePath | TreeEntry): AsyncGenerator<TreeEntry> => damage.pass(tree.list(at, { signal }), at);
  const open = [enter(start)];
  for (let listing = open.at(-1); listing !== undefined; listing = open.at(-1)) {
    const { value, done } = await listing.next();
    if (done) {
      open.pop();
      continue;
    }
    yield value;
    if (value.dirent.kind === 'dir' && open.length < maxDepth) open.push(enter(value));
  }
}

function parseTests(options: ReadonlyMap<string, true | Octets>, now: Date): Test[] {
  const text = (name: string): string | undefined => {
    const value = options.get(name);
    return value === undefined || value === true ? undefined : octetsToText(value);
  };
  const tests: Test[] = [];
  const name = options.get('name');
  if (name !== undefined && name !== true) {
    const matches = compileGlob(name);
    tests.push((entry) => matches(entry.name));
  }
  const anyCase = text('iname')?.toLowerCase();
  if (anyCase !== undefined) {
    const matches = compileGlob(octetsFromText(anyCase));
    tests.push((entry) => matches(octetsFromText(octetsToText(entry.name).toLowerCase())));
  }
  const days = text('mtime');
  if (days !== undefined) tests.push(ageTest(days, now));
  const type = text('type');
  if (type !== undefined) {
    const kind = KINDS[type];
    tests.push((entry) => entry.dirent.kind === kind);
  }
  const size = text('size');
  if (size !== undefined) tests.push(sizeTest(size));
  const newer = text('newer');
  if (newer !== undefined) {
    const limit = parseDate(newer, now);
    tests.push(({ dirent }) => dirent.meta.mtimeNs !== undefined && dirent.meta.mtimeNs > limit);
  }
  const older = text('older');
  if (older !== undefined) {
    const limit = parseDate(older, now);
    tests.push(({ dirent }) => dirent.meta.mtimeNs !== undefined && dirent.meta.mtimeNs < limit);
  }
  return tests;
}

const DAY_NS = 86_400_000_000_000n;

/** Whole days since a modification, compared as find(1) does. */
function ageTest(text: string, now: Date): Test {
  const match = /^([+-]?)(\d+)$/.exec(text);
  if (match === null) throw new UsageError(`find --mtime "${text}": expected [+-]DAYS`);
  const [, sign = '', digits = ''] = match;
  const nowNs = BigInt(now.getTime()) * 1_000_000n;
  const limit = BigInt(digits);
  return ({ dirent }) => {
    if (dirent.meta.mtimeNs === undefined) return false;
    const days = (nowNs - dirent.meta.mtimeNs) / DAY_NS;
    return sign === '+' ? days > limit : sign === '-' ? days < limit : days === limit;
  };
}

function sizeTest(text: string): Test {
  const match = /^([+-]?)(\d+)([kmgt]?)b?$/i.exec(text);
  if (match === null) throw new UsageError(`find --size "${text}": expected [+-]N[k|M|G|T]`);
  const [, sign = '', digits = '', unit = ''] = match;
  const limit = Number(digits) * (SIZE_FACTORS[unit.toLowerCase()] ?? 1);
  return (entry) => (sign === '+' ? entry.size > limit : sign === '-' ? entry.size < limit : entry.size === limit);
}
