import { largestOf } from '../../../core/base/lists.ts';
import type { CommandContext } from '../../command.ts';

/** Milliseconds between two updates of the progress. */
const SHOW_MS = 1000;

/** Waits until the signal fires or `isOver` returns true. Meanwhile it shows the progress of followed files. */
export async function showFollowing(context: CommandContext, isOver: () => boolean = () => false): Promise<void> {
  const { signal } = context;
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      show(context);
      if (isOver()) end();
    }, SHOW_MS);
    const end = (): void => {
      clearInterval(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  });
}

function show({ session, diagnostics }: CommandContext): void {
  const states = session.tails.followers.map((follower) => follower.state());
  if (states.length === 0) return;
  const sum = (value: (state: (typeof states)[number]) => number): number => states.reduce((all, state) => all + value(state), 0);
  diagnostics.progress({
    label: 'follow',
    doneBytes: sum(({ newBytes }) => newBytes),
    doneItems: sum(({ files }) => files),
    bytesPerSecond: Math.round(sum(({ rate }) => rate)),
    lagBytes: sum(({ lagBytes: lag }) => lag),
    lagMs: Math.round(largestOf(states.map(({ lagMs }) => lagMs))),
  });
}
