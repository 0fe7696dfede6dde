import { VtError } from '../core/base/errors.ts';
import type { Octets } from '../core/base/octets.ts';
import { octetsFromText, octetsToText } from '../core/base/octets.ts';
import type { Tree, TreePath } from '../core/tree/tree.ts';
import { defineCommand } from './command.ts';
import { namingDamage } from './damage.ts';
import { pathArgument } from './entry.ts';

/** `less`: files through the pager. */
export const less = defineCommand({
  name: 'less',
  aliases: ['more'],
  group: 'read',
  summary: 'show files through $PAGER',
  details: ['$PAGER is a local command; without it, less. Where no person is at the terminal, the files are printed as cat prints them.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  async run({ session, output, signal, shell, plan }, { args }) {
    const paths = args.map((path) => pathArgument(session, path));
    const content = contentOf(session.tree, paths, signal);
    if (!shell.interactive || !output.terminal) {
      for await (const chunk of content) await output.bytes(chunk);
      return;
    }
    const pager = shell.env['PAGER'] ?? '';
    const line: Octets = octetsFromText(pager === '' ? 'less' : pager);
    if (plan) {
      output.line(`would run | ${octetsToText(line)}`);
      return;
    }
    const status = await shell.runLocal(line, { input: content, signal });
    if (status === 127) throw new VtError('EFAILED', `show: no local command "${line}"`, { remedy: 'set PAGER, or use cat' });
  },
});

async function* contentOf(tree: Tree, paths: readonly TreePath[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield* namingDamage(tree.read(path, {}, { signal }), 'read', path);
}
