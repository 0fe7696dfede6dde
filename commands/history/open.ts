import { UsageError } from '../../core/base/errors.ts';
import { defineCommand } from '../command.ts';

/** `open`: replaces the tree by another one. */
export const open = defineCommand({
  name: 'open',
  group: 'history',
  leavesTree: true,
  summary: 'open another source in place of this one',
  details: [
    'SOURCE is what `vtftp SOURCE` takes: a Dirref or block reference, an x-vt: URI, or a Store or STORE@ARCHIVE. STORE@N, STORE@DATE and STORE@TAG are past states. It may be a .vt archive file (FILE@N, FILE@DATE, FILE@TAG), an ordinary directory, or a running mount, by its mount point or control socket. ssh://HOST/PATH is a Store of another machine, or a running mount there. If SOURCE is a mount, the shell attaches to it, and commands act on its live tree. open syncs first. If it cannot open the new source, the old one stays open.',
    'At a prompt, open without SOURCE shows a list: the archives of this Store with their states, bookmarks, other Stores, peers and mounts. Choose with the arrows, or type a part of a name.',
  ],
  args: [{ name: 'source', kind: 'reference', summary: 'what to open; without it, choose at the prompt', optional: true }],
  records: [{ name: 'Opened', summary: 'the source that is open now', fields: { open: 'text' } }],
  async run(context, { args: [given] }) {
    const { session, output, signal, shell } = context;
    if (given === undefined && (!shell.interactive || output.json)) throw new UsageError('open: which source? SOURCE is missing');
    const { source, view } =
      given === undefined ? ((await (await import('../parts/pick-source.ts')).pickSource(context)) ?? {}) : { source: given };
    if (source === undefined) return;
    await session.open(source, signal);
    if (view !== undefined) await session.visit(view, signal);
    output.record({ open: session.tree.name });
  },
});
