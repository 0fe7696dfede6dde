import { VtError } from '../../core/base/errors.ts';
import type { Timeline } from '../../core/history/timeline.ts';
import { defineCommand } from '../command.ts';
import { changeState } from '../parts/change-state.ts';
import { countText } from '../parts/format.ts';

/** `redo`: forward again after an undo. */
export const redo = defineCommand({
  name: 'redo',
  group: 'history',
  summary: 'go forward again after undo',
  reports: true,
  recordsRoot: true,
  plans: true,
  details: [
    'redo reverses one undo for each root. It works until this or another session records something new. Even then the archive has the newer roots: `log` lists them, and undo @N goes there.',
  ],
  args: [{ name: 'count', kind: 'text', summary: 'how many roots to go forward, default 1', optional: true }],
  records: [
    {
      name: 'Redone',
      summary: 'the state that the tree has now',
      fields: { redo: 'integer?', recorded: 'integer?', number: 'integer', when: 'time?' },
    },
  ],
  async run(context, input) {
    const change = {
      name: 'redo',
      done: 'redone',
      expected: 'a number of 1 or more',
      stepsAway: ({ ahead }: Timeline, count: number) =>
        ahead[count - 1] ??
        new VtError(
          'EFAILED',
          ahead.length === 0
            ? 'redo: nothing to redo: the last change was not an undo'
            : `redo: only ${countText(ahead.length, 'root')} to go forward to`,
          { remedy: 'undo @N goes to any state that log lists' },
        ),
    } as const;
    await changeState(context, input, change, undefined);
  },
});
