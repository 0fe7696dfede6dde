import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { describe, it } from 'node:test';
import { LinkedAbort } from '../../../core/base/linked-abort.ts';

describe('a signal that follows others', () => {
  it('fires with the first of them and by itself, with the reason', () => {
    const [one, two] = [new AbortController(), new AbortController()];
    using linked = new LinkedAbort(one.signal, two.signal);
    assert.equal(linked.signal.aborted, false);
    two.abort('second');
    one.abort('first');
    assert.equal(linked.signal.reason, 'second');
    using late = new LinkedAbort(one.signal);
    assert.equal(late.signal.reason, 'first');
    using own = new LinkedAbort(new AbortController().signal);
    own.abort('own');
    assert.equal(own.signal.reason, 'own');
  });

  it('keeps nothing of what it followed once it is disposed of, and fires no more', () => {
    const session = new AbortController();
    for (let i = 0; i < 100; i++) {
      using command = new LinkedAbort(session.signal);
      assert.equal(getEventListeners(session.signal, 'abort').length, 1, String(command.signal.aborted));
    }
    const linked = new LinkedAbort(session.signal);
    linked[Symbol.dispose]();
    session.abort('over');
    assert.deepEqual([getEventListeners(session.signal, 'abort').length, linked.signal.aborted], [0, false]);
  });
});
