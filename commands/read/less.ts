import { VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { TreePath } from '../../core/tree/path.ts';
import type { Tree } from '../../core/tree/tree.ts';
import { defineCommand } from '../command.ts';
import { namingDamage } from '../parts/damage.ts';
import { pathArgument } from '../parts/entry.ts';
import { pagerOf, showInPager } from '../parts/pager.ts';
import { OUTPUT_RECORD } from '../parts/records.ts';
import { tellPlan } from '../parts/tell-plan.ts';

/** `less`: files through the pager. */
export const less = defineCommand({
  name: 'less',
  aliases: ['more'],
  group: 'read',
  summary: 'show files through $PAGER',
  details: ['$PAGER is a local command; the default is less. Without a terminal, less prints the files as cat does.'],
  args: [{ name: 'path', kind: 'stored', summary: 'a file', repeat: true }],
  records: [OUTPUT_RECORD],
  async run({ session, output, signal, shell, plan }, { args }) {
    const paths = args.map((path) => pathArgument(session, path));
    const content = contentOf(session.tree, paths, signal);
    if (!shell.interactive || !output.terminal) {
      for await (const chunk of content) await output.bytes(chunk);
      return;
    }
    const pager = pagerOf(shell, 'less');
    if (plan) {
      tellPlan(output, `run | ${octetsToText(pager)}`);
      return;
    }
    if (!(await showInPager(shell, pager, content, signal)))
      throw new VtError('EFAILED', `"${octetsToText(pager)}": no such local command`, { remedy: 'set PAGER, or use cat' });
  },
});

async function* contentOf(tree: Tree, paths: readonly TreePath[], signal: AbortSignal): AsyncGenerator<Uint8Array> {
  for (const path of paths) yield* namingDamage(tree.read(path, {}, { signal }), 'read', path);
}
