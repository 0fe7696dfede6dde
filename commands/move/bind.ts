import { PathError, VtError } from '../../core/base/errors.ts';
import { octetsToText } from '../../core/base/octets.ts';
import type { Block } from '../../core/block/block.ts';
import type { HashCode } from '../../core/block/hashcode.ts';
import { hashcodeLabel } from '../../core/block/hashcode.ts';
import type { Dirent } from '../../core/dirent/dirent.ts';
import { baseName } from '../../core/tree/path.ts';
import { defineTreeCommand } from '../command.ts';
import { pathArgument } from '../parts/entry.ts';
import { octetsFields } from '../parts/format.ts';
import { recordBefore } from '../parts/record-before.ts';
import { ENTRY_TYPE } from '../parts/records.ts';
import type { Session } from '../session.ts';

/** `bind`: a text form put into the tree under a name; no data is copied. */
export const bind = defineTreeCommand({
  name: 'bind',
  group: 'move',
  summary: 'give a name to an existing file or tree, by its text form',
  changes: true,
  details: [
    'TEXT is what quit, inspect and log print: a Dirent (F{…}, D{…}, SymLink{…}) or an x-vt: URI. It may be a block reference (B{…}, I{…}, LB{…}), which becomes a file, or with -d a Dir. Nothing is copied, however large it is. bind replaces an entry of that name; undo brings it back.',
    'The top Block must be in the Store. With -u it may come later, by pull.',
  ],
  args: [
    { name: 'name', kind: 'stored', summary: 'the name to bind', glob: 'refused' },
    { name: 'text', kind: 'reference', summary: 'the text form' },
  ],
  options: [
    { name: 'dir', short: 'd', summary: 'the block reference in TEXT is that of a Dir' },
    { name: 'unchecked', short: 'u', summary: 'do not ask the Store for the top Block' },
  ],
  examples: [{ line: 'bind old/docs D{name:"docs",…}', says: 'puts an earlier state of docs beside the present one' }],
  records: [
    {
      name: 'Bound',
      summary: 'a name that was bound',
      fields: { path: 'name', type: ENTRY_TYPE, size: 'integer?', new_blocks: 'integer', new_bytes: 'integer' },
    },
  ],
  async run(context, { args: [name, text], options }) {
    const { session, output, diagnostics, signal, plan } = context;
    if (name === undefined || text === undefined) return;
    const [{ parseTypedReference }, { direntOfReference }, { otherNameText }] = await Promise.all([
      import('../../core/dirent/reference.ts'),
      import('../../core/tree/reference-dirent.ts'),
      import('../../core/tree/other-names.ts'),
    ]);
    const path = pathArgument(session, name);
    if (path === '/') throw new PathError('EINVAL', 'bind', path);
    const dirent = {
      ...(await direntOfReference(session.tree.store, parseTypedReference(octetsToText(text)), {
        asDir: options.has('dir'),
        onOtherName: (known) => diagnostics.warn(otherNameText(known)),
        signal,
      })),
      name: baseName(path),
    };
    if (!options.has('unchecked')) await requireTopBlock(session, dirent, signal);
    const size = dirent.kind === 'file' ? dirent.block.span : undefined;
    output.record({
      ...octetsFields('path', path),
      type: dirent.kind,
      ...(size === undefined ? {} : { size }),
      new_blocks: 0,
      new_bytes: 0,
    });
    if (plan) {
      context.wouldChange();
      output.line(`would bind ${output.name(path)}: ${dirent.kind}, no Blocks copied`);
      return;
    }
    await recordBefore(context, path);
    await session.tree.bind(path, dirent, { signal });
  },
});

async function requireTopBlock(session: Session, dirent: Dirent, signal: AbortSignal): Promise<void> {
  if (dirent.kind !== 'file' && dirent.kind !== 'dir') return;
  const hashcode = topHashcode(dirent.block);
  if (hashcode === undefined) return;
  const { store } = session.tree;
  const label = hashcodeLabel(hashcode);
  if (hashcode.hashName !== store.hashName) {
    throw new VtError('EUNSUPPORTED', `bind Block ${label}: Store "${store.name}" holds ${store.hashName} Blocks`, {
      remedy: 'open a Store with the hash function of the reference',
    });
  }
  const [present] = await store.has([hashcode], { signal });
  if (present !== true) {
    throw new VtError('EMISSING', `bind Block ${label}: not in Store "${store.name}"`, { remedy: 'bind -u, then pull it from a peer' });
  }
}

function topHashcode(block: Block): HashCode | undefined {
  switch (block.kind) {
    case 'hash':
      return block.hashcode;
    case 'indirect':
      return topHashcode(block.refs);
    case 'sub':
      return topHashcode(block.base);
    default:
      return undefined;
  }
}
