import type { Octets } from '../../core/base/octets.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { nameOfTheirs } from '../../core/tree/merge/merge-values.ts';
import type { TreePath } from '../../core/tree/path.ts';
import { joinPath, parentPath } from '../../core/tree/path.ts';
import { defineTreeCommand } from '../command.ts';
import { PassedDamage } from '../parts/damage.ts';
import { pathArgument, requireEntry } from '../parts/entry.ts';
import { countText, octetsFields } from '../parts/format.ts';
import { CONFLICT_RECORD } from '../parts/records.ts';

/** `conflicts`: lists the undecided conflicts of merges. */
export const conflicts = defineTreeCommand({
  name: 'conflicts',
  group: 'list',
  summary: 'list what merges kept of both sides',
  details: [
    'Each line has a name and NAME.theirs-TIME, which is the version of the other side that a merge kept. Removing or renaming that version settles the conflict: rm NAME.theirs-TIME keeps yours, mv NAME.theirs-TIME NAME takes theirs.',
    'Symlinks are not followed. conflicts does not show what merge --conflict=fail listed, since that merge changed nothing: merge -n lists it again.',
  ],
  args: [{ name: 'path', kind: 'stored', summary: 'where to look; default: the root', optional: true }],
  examples: [{ line: 'conflicts', says: 'which conflicts are left to settle?' }],
  records: [CONFLICT_RECORD],
  async run(context, { args }) {
    const { session, output, signal } = context;
    const damage = new PassedDamage(context, 'look');
    const start = args[0] === undefined ? ('/' as TreePath) : pathArgument(session, args[0]);
    let count = 0;
    const ahead = [await requireEntry(session.tree, start, 'look', { follow: false, signal })];
    for (let dir = ahead.pop(); dir !== undefined; dir = ahead.pop()) {
      if (dir.dirent.kind !== 'dir') continue;
      for await (const entry of damage.pass(session.tree.list(dir, { signal }), dir)) {
        if (entry.dirent.kind === 'dir') ahead.push(entry);
        const name = nameOfTheirs(entry.name);
        if (name === undefined) continue;
        count++;
        const path = joinPath(parentPath(entry.path), name as Octets);
        output.line(`${output.name(path)}  ${output.name(entry.name)}`);
        output.record({ conflict: 'both-changed', ...octetsFields('path', path), ...octetsFields('theirs', entry.path) });
      }
    }
    output.line(count === 0 ? `no conflicts below ${octetsToText(start)}` : countText(count, 'conflict'));
    damage.throwIfAny();
  },
});
