import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { VtError } from '../../core/base/errors.ts';
import { Signals } from '../../shell/signals.ts';

/** Signals of a session at a terminal, and its clock. */
function signalsAt(t: TestContext): { readonly signals: Signals; readonly clock: { ms: number } } {
  const clock = { ms: 10_000 };
  const signals = new Signals({ statusLine: () => '', say: () => undefined, nowMs: () => clock.ms, hasPrompt: true });
  t.after(() => signals.dispose());
  return { signals, clock };
}

/** Ctrl-C while a command runs. @returns what the command ends with */
async function cancelOne(signals: Signals): Promise<unknown> {
  return await signals.during(async (signal) => {
    signals.interrupt();
    return await Promise.resolve(signal.reason);
  });
}

test('Ctrl-C cancels a command, and says that a second one leaves', async (t) => {
  const { signals } = signalsAt(t);
  const reason = await cancelOne(signals);
  assert.ok(reason instanceof VtError);
  assert.deepEqual([reason.code, reason.remedy], ['ECANCELLED', 'Ctrl-C again within 2 s leaves']);
  assert.equal(signals.ended.aborted, false);
});

for (const [afterMs, leaves] of [
  [2000, true],
  [2001, false],
] as const) {
  test(`a second Ctrl-C ${afterMs} ms later, in another command, ${leaves ? 'leaves' : 'cancels that'}`, async (t) => {
    const { signals, clock } = signalsAt(t);
    const exit = t.mock.method(process, 'exit', () => {
      throw new Error('left');
    });
    await cancelOne(signals);
    clock.ms += afterMs;
    if (leaves) await assert.rejects(cancelOne(signals), /left/);
    else await cancelOne(signals);
    assert.deepEqual(
      exit.mock.calls.map(({ arguments: given }) => given),
      leaves ? [[130]] : [],
    );
  });

  test(`a second Ctrl-C ${afterMs} ms later, at the prompt, ${leaves ? 'ends the session in good order' : 'drops the line'}`, async (t) => {
    const { signals, clock } = signalsAt(t);
    await cancelOne(signals);
    clock.ms += afterMs;
    assert.equal(signals.interruptPrompt(), leaves);
    assert.deepEqual([signals.ended.aborted, signals.exitStatus], [leaves, leaves ? 130 : undefined]);
  });
}

test('Ctrl-C at the prompt ends nothing where no command was cancelled', (t) => {
  const { signals } = signalsAt(t);
  assert.equal(signals.interruptPrompt(), false);
  assert.equal(signals.interruptPrompt(), false);
  assert.equal(signals.ended.aborted, false);
});
