import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { VtError } from '../../core/base/errors.ts';
import { Signals } from '../../shell/signals.ts';

/** Signals of a session, what they say, and the statuses that the program would be left with. */
function signalsOf(t: TestContext, hasPrompt: boolean) {
  const said: string[] = [];
  const signals = new Signals({ statusLine: () => '', say: (message) => said.push(message), hasPrompt });
  t.after(() => signals.dispose());
  const left: unknown[] = [];
  t.mock.method(process, 'exit', (status: unknown) => {
    left.push(status);
    throw new Error('left');
  });
  return { signals, said, left };
}

/** Ctrl-C while a command runs. @returns what the command ends with */
async function cancelOne(signals: Signals): Promise<unknown> {
  return await signals.during(async (signal) => {
    signals.interrupt();
    return await Promise.resolve(signal.reason);
  });
}

test('Ctrl-C cancels a command, and says before it ends that a second one leaves', async (t) => {
  const { signals, said, left } = signalsOf(t, true);
  await signals.during(async (signal) => {
    signals.interrupt();
    assert.deepEqual(said, ['cancelling; Ctrl-C again leaves at once']);
    assert.ok(signal.reason instanceof VtError);
    assert.equal(signal.reason.code, 'ECANCELLED');
    assert.throws(() => signals.interrupt(), /left/);
    await Promise.resolve();
  });
  assert.deepEqual(left, [130]);
  assert.equal(signals.ended.aborted, false);
});

test('two Ctrl-C that hit two commands cancel both, and leave neither the program nor the session', async (t) => {
  const { signals, said, left } = signalsOf(t, true);
  for (let i = 0; i < 3; i++) assert.ok((await cancelOne(signals)) instanceof VtError);
  assert.equal(said.length, 3);
  assert.deepEqual([left, signals.ended.aborted, signals.exitStatus], [[], false, undefined]);
});

test('a script ends with the command that Ctrl-C cancelled: while the session ends, a second one leaves', async (t) => {
  const { signals, said, left } = signalsOf(t, false);
  await assert.rejects(
    signals.during(async (signal) => {
      signals.interrupt();
      await Promise.resolve();
      signal.throwIfAborted();
    }),
    { code: 'ECANCELLED' },
  );
  assert.throws(() => signals.interrupt(), /left/);
  assert.deepEqual([said, left], [[], [130]]);
});

test('a command that Ctrl-C ends in good order is followed by the next of its script, which Ctrl-C cancels', async (t) => {
  const { signals, left } = signalsOf(t, false);
  await cancelOne(signals);
  assert.ok((await cancelOne(signals)) instanceof VtError);
  assert.deepEqual(left, []);
});

test('SIGINT between commands ends the session, so that what changed is synced; a second one leaves', (t) => {
  const { signals, left } = signalsOf(t, false);
  signals.interrupt();
  assert.deepEqual([left, signals.ended.aborted, signals.exitStatus], [[], true, 130]);
  assert.throws(() => signals.interrupt(), /left/);
  assert.deepEqual(left, [130]);
});
