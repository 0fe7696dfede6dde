import { UsageError } from '../../core/base/errors.ts';
import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import type { CommandInput, TreeContext } from '../command.ts';
import { defineTreeCommand } from '../command.ts';
import { damageAt } from '../parts/damage.ts';
import { forEachItem } from '../parts/each.ts';
import { requireEntry, withEntry } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { CONTENT_RECORD } from '../parts/records.ts';

const DEFAULT_LINES = 10;
/** Read at a time when looking for the last lines, backwards. */
const TAIL_STEP_BYTES = 64 * 1024;
const NEWLINE = 0x0a;

/** `head`: the beginning of files. */
export const head = defineTreeCommand({
  name: 'head',
  group: 'read',
  summary: 'print the first lines of files',
  details: ['NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  options: [
    {
      name: 'lines',
      short: 'n',
      value: { name: 'N', kind: 'number' },
      summary: 'print N lines (default 10); -n -N: print all but the last N',
    },
    { name: 'bytes', short: 'c', value: { name: 'N', kind: 'number' }, summary: 'print N bytes; -c -N: print all but the last N' },
  ],
  records: [CONTENT_RECORD],
  async run(context, input) {
    await eachFile(context, input, async (tree, path, signal) => {
      const bytes = countOption(input, 'bytes');
      const lines = countOption(input, 'lines') ?? DEFAULT_LINES;
      const isAllBut = isSigned(input, bytes === undefined ? 'lines' : 'bytes', '-');
      if (bytes === undefined && !isAllBut) {
        await printLines(context, tree, path, lines);
        return;
      }
      const size = isAllBut ? (await requireEntry(tree, path, 'read', { signal })).size : 0;
      const last = async (): Promise<number> =>
        bytes === undefined ? await startOfLastLines(tree, path, size, lines, signal) : Math.max(0, size - bytes);
      const end = isAllBut ? await last() : bytes;
      for await (const chunk of tree.read(path, end === undefined ? {} : { end }, { signal }))
        await context.output.bytes(chunk, octetsFields('path', path));
    });
  },
});

/** `tail`: the end of files. */
export const tail = defineTreeCommand({
  name: 'tail',
  group: 'read',
  summary: 'print the last lines of files',
  details: ['NAME@N and NAME@DATE give NAME as it was in a past state, as with cd @N. DIR@N/NAME is the same as DIR/NAME@N.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  options: [
    { name: 'lines', short: 'n', value: { name: 'N', kind: 'number' }, summary: 'print N lines (default 10); +N: print from line N on' },
    { name: 'bytes', short: 'c', value: { name: 'N', kind: 'number' }, summary: 'print N bytes; +N: print from byte N on' },
    { name: 'follow', short: 'f', summary: 'go on printing what is appended, until Ctrl-C' },
  ],
  records: [CONTENT_RECORD],
  async run(context, input) {
    await eachFile(context, input, async (tree, path, signal) => {
      const { size } = await requireEntry(tree, path, 'read', { signal });
      const start = await tailStart(tree, path, size, input, signal);
      for await (const chunk of tree.read(path, { start, end: size }, { signal }))
        await context.output.bytes(chunk, octetsFields('path', path));
      if (input.options.has('follow')) await follow(context, tree, path, size);
    });
  },
});

async function eachFile(
  context: TreeContext,
  { args }: CommandInput,
  action: (tree: Tree, path: TreePath, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { session, output, signal } = context;
  let isFirst = true;
  await forEachItem(context, args, async (shown) => {
    await withEntry(session, shown, 'read', { signal }, async ({ tree, path }) => {
      if (!isFirst) output.line('');
      if (args.length > 1) output.line(`==> ${output.name(shown)} <==`);
      isFirst = false;
      try {
        await action(tree, path, signal);
      } catch (error) {
        throw damageAt(error, 'read', path);
      }
    });
  });
}

/** The value of a count option; a sign is left to whom it concerns. */
function countOption({ options, calledAs }: CommandInput, name: string): number | undefined {
  const value = options.get(name);
  if (value === undefined || value === true) return undefined;
  const count = Math.abs(Number(value));
  if (!Number.isSafeInteger(count)) throw new UsageError(`${calledAs} --${name} "${octetsToText(value)}": too large`);
  return count;
}

function isSigned({ options }: CommandInput, name: string, sign: '+' | '-'): boolean {
  const value: true | Octets | undefined = options.get(name);
  return typeof value === 'string' && value.startsWith(sign);
}

async function printLines({ output, signal }: TreeContext, tree: Tree, path: TreePath, lines: number): Promise<void> {
  let left = lines;
  if (left === 0) return;
  for await (const chunk of tree.read(path, {}, { signal })) {
    let at = 0;
    while (left > 0) {
      const newline = chunk.indexOf(NEWLINE, at);
      if (newline < 0) break;
      at = newline + 1;
      left--;
    }
    await output.bytes(left > 0 ? chunk : chunk.subarray(0, at), octetsFields('path', path));
    if (left === 0) return;
  }
}

async function tailStart(tree: Tree, path: TreePath, size: number, input: CommandInput, signal: AbortSignal): Promise<number> {
  const bytes = countOption(input, 'bytes');
  if (bytes !== undefined) return isSigned(input, 'bytes', '+') ? Math.min(size, Math.max(0, bytes - 1)) : Math.max(0, size - bytes);
  const lines = countOption(input, 'lines') ?? DEFAULT_LINES;
  return isSigned(input, 'lines', '+')
    ? await startOfLine(tree, path, size, lines, signal)
    : await startOfLastLines(tree, path, size, lines, signal);
}

async function startOfLine(tree: Tree, path: TreePath, size: number, line: number, signal: AbortSignal): Promise<number> {
  let left = line - 1;
  let offset = 0;
  if (left <= 0) return 0;
  for await (const chunk of tree.read(path, {}, { signal })) {
    for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) {
      left--;
      if (left === 0) return offset + at + 1;
    }
    offset += chunk.length;
  }
  return size;
}

async function startOfLastLines(tree: Tree, path: TreePath, size: number, lines: number, signal: AbortSignal): Promise<number> {
  if (lines === 0) return size;
  let found = 0;
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - TAIL_STEP_BYTES);
    const parts: Uint8Array[] = [];
    for await (const chunk of tree.read(path, { start, end }, { signal })) parts.push(chunk.slice());
    const data = Buffer.concat(parts);
    for (let at = data.length - 1; at >= 0; at--) {
      // The newline that ends the file ends its last line, and starts none.
      if (data[at] !== NEWLINE || start + at === size - 1) continue;
      found++;
      if (found === lines) return start + at + 1;
    }
    end = start;
  }
  return 0;
}

async function follow({ output, signal, diagnostics }: TreeContext, tree: Tree, path: TreePath, from: number): Promise<void> {
  let size = from;
  for await (const change of tree.watch({ signal })) {
    if (change.path !== path && change.kind === 'meta') continue;
    const entry = await tree.lookup(path, { signal });
    if (entry === undefined) continue;
    if (entry.size < size) {
      diagnostics.warn(`tail "${octetsToText(path)}": it became shorter; printing it again from its beginning`);
      size = 0;
    }
    for await (const chunk of tree.read(path, { start: size, end: entry.size }, { signal }))
      await output.bytes(chunk, octetsFields('path', path));
    size = entry.size;
  }
}
