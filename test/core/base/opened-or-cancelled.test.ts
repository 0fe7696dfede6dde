import assert from 'node:assert/strict';
import { it } from 'node:test';
import { openedOrCancelled } from '../../../core/base/opened-or-cancelled.ts';

it('what opens after it was cancelled is closed, and what was not is given', async () => {
  const closed: string[] = [];
  const thing = (name: string): AsyncDisposable => ({ [Symbol.asyncDispose]: async () => void (await Promise.resolve(closed.push(name))) });
  const abort = new AbortController();
  let opens: ((opened: AsyncDisposable) => void) | undefined;
  const waiting = openedOrCancelled(() => new Promise<AsyncDisposable>((resolve) => (opens = resolve)), abort.signal);
  abort.abort();
  await assert.rejects(waiting, { code: 'ECANCELLED' });
  opens?.(thing('late'));
  await new Promise(setImmediate);
  assert.deepEqual(closed, ['late']);
  const kept = thing('kept');
  assert.equal(await openedOrCancelled(async () => await Promise.resolve(kept), new AbortController().signal), kept);
  assert.deepEqual(closed, ['late']);
});

it('nothing is opened where it was cancelled before', async () => {
  const open = (): Promise<AsyncDisposable> => assert.fail('it was opened');
  await assert.rejects(openedOrCancelled(open, AbortSignal.abort()), { code: 'ECANCELLED' });
});
