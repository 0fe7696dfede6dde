import { defineCommand } from '../command.ts';

/** `open`: another tree in place of this one. */
export const open = defineCommand({
  name: 'open',
  group: 'history',
  summary: 'open another source in place of this one',
  details: [
    'SOURCE is what `vtftp SOURCE` takes: a Dirref or block reference, an x-vt: URI, or a Store or STORE@ARCHIVE. It may be a .vt archive file (FILE@N, FILE@DATE), an ordinary directory, or a running mount, by its mount point or control socket. ssh://HOST/PATH is a Store of another machine, or a running mount there. The shell is then attached to the mount, and commands act on its live tree. open first syncs what changed. If it cannot open the new source, the old one stays.',
  ],
  args: [{ name: 'source', kind: 'reference', summary: 'what to open' }],
  records: [{ name: 'Opened', summary: 'what is open now', fields: { open: 'text' } }],
  async run({ session, output, signal }, { args: [source] }) {
    if (source === undefined) return;
    await session.open(source, signal);
    output.record({ open: session.tree.name });
  },
});
