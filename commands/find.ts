import { parseDate } from '../core/base/date.ts';
import { UsageError } from '../core/base/errors.ts';
import { EventTurns } from '../core/base/event-turns.ts';
import { compileGlob } from '../core/base/glob-pattern.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsToBytes, octetsToText } from '../core/base/octets.ts';
import type { DirentKind } from '../core/dirent/dirent.ts';
import type { TreeEntry, TreePath } from '../core/tree/tree.ts';
import { defineCommand } from './command.ts';
import { PassedDamage } from './damage.ts';
import { forEachItem } from './each.ts';
import type { FoundEntry } from './entry.ts';
import { withEntry } from './entry.ts';
import { entryRecord } from './format.ts';

type Test = (entry: TreeEntry) => boolean;

const KINDS: Readonly<Record<string, DirentKind>> = { f: 'file', d: 'dir', l: 'symlink', p: 'fifo', s: 'socket', c: 'char', b: 'block' };
const SIZE_FACTORS: Readonly<Record<string, number>> = { '': 1, k: 1024, m: 1024 ** 2, g: 1024 ** 3, t: 1024 ** 4 };

/** `find`: paths below a Dir that pass every test, as the walk meets them. */
export const find = defineCommand({
  name: 'find',
  group: 'list',
  summary: 'print the paths below a Dir that pass every test',
  details: [
    'Symlinks are not followed. Paths are absolute, one a line; with -0 they end in NUL. A pattern of --name has to be quoted. NAME@N and NAME@DATE name what NAME was in a past state, as in cd @N.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'where to start; default: the working path', optional: true, repeat: true }],
  options: [
    { name: 'name', value: { name: 'GLOB', kind: 'text' }, summary: 'the last element matches GLOB' },
    { name: 'type', value: { name: 'f|d|l|p|s|c|b', kind: 'text' }, summary: 'f file, d Dir, l symlink, p FIFO, s socket, c or b device' },
    { name: 'size', value: { name: 'SIZE', kind: 'text' }, summary: '+N larger, -N smaller, N exactly so many octets; units k, M, G, T' },
    { name: 'newer', value: { name: 'DATE', kind: 'text' }, summary: 'modified after DATE (ISO-8601)' },
    { name: 'older', value: { name: 'DATE', kind: 'text' }, summary: 'modified before DATE (ISO-8601)' },
    { name: 'null', short: '0', summary: 'end each path with NUL instead of newline' },
  ],
  examples: [{ line: "find / --name '*.pdf' --size +1M", says: 'large PDF files' }],
  async run(context, { args, options }) {
    const { session, output, signal, now } = context;
    const damage = new PassedDamage(context, 'find');
    const turns = new EventTurns();
    const tests = parseTests(options, now());
    await forEachItem(context, args.length === 0 ? ['.' as Octets] : args, async (start) => {
      await withEntry(session, start, 'find', { follow: false, signal }, async (found) => {
        for await (const entry of entriesBelow(found, damage, signal)) {
          await turns.next(signal);
          if (!tests.every((test) => test(entry))) continue;
          output.record(entryRecord(entry));
          if (options.has('null')) {
            if (!output.json) await output.bytes(octetsToBytes(`${entry.path}\0` as Octets));
          } else output.line(output.name(entry.path));
        }
      });
    });
    damage.throwIfAny();
  },
});

/** The entry that was found and all below it, depth first, each Dir before its contents; holds one open listing a level. */
async function* entriesBelow(
  { tree, path: start, entry: top }: FoundEntry,
  damage: PassedDamage,
  signal: AbortSignal,
): AsyncGenerator<TreeEntry> {
  yield top;
  if (top.dirent.kind !== 'dir') return;
  const enter = (path: TreePath): AsyncGenerator<TreeEntry> => damage.pass(tree.list(path, { signal }), path);
  const open = [enter(start)];
  for (let listing = open.at(-1); listing !== undefined; listing = open.at(-1)) {
    const { value, done } = await listing.next();
    if (done) {
      open.pop();
      continue;
    }
    yield value;
    if (value.dirent.kind === 'dir') open.push(enter(value.path));
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
  const type = text('type');
  if (type !== undefined) {
    const kind = KINDS[type];
    if (kind === undefined)
      throw new UsageError(`find --type "${type}": unknown`, { remedy: `use one of ${Object.keys(KINDS).join(', ')}` });
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

function sizeTest(text: string): Test {
  const match = /^([+-]?)(\d+)([kmgt]?)b?$/i.exec(text);
  if (match === null) throw new UsageError(`find --size "${text}": expected [+-]N[k|M|G|T]`);
  const [, sign = '', digits = '', unit = ''] = match;
  const limit = Number(digits) * (SIZE_FACTORS[unit.toLowerCase()] ?? 1);
  return (entry) => (sign === '+' ? entry.size > limit : sign === '-' ? entry.size < limit : entry.size === limit);
}
