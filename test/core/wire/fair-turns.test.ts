import assert from 'node:assert/strict';
import test from 'node:test';
import { FairTurns, TurnTaker } from '../../../core/wire/fair-turns.ts';

test('one that is answered at once, again and again, lets in who comes after it', async () => {
  let nowMs = 0;
  const turns = new FairTurns(8, () => nowMs);
  const busy = new TurnTaker();
  let had = 0;
  let isOver = false;
  const comes = async (): Promise<void> => {
    const before = had;
    const turn = await turns.enter(new TurnTaker());
    turn.end();
    isOver = true;
    assert.ok(had - before <= 16, `${had - before} turns of the other came first`);
  };
  const asks = async (): Promise<void> => {
    while (!isOver && had < 100_000) {
      const turn = await turns.enter(busy);
      had++;
      nowMs += 6;
      turn.end();
    }
  };
  const asking = Array.from({ length: 8 }, asks);
  // In another phase of the event loop, as what comes from a socket.
  await new Promise((resolve) => setTimeout(resolve, 1));
  await comes();
  await Promise.all(asking);
});

test('turns that take no time let the event loop turn', async () => {
  let nowMs = 0;
  const turns = new FairTurns(1, () => nowMs);
  const busy = new TurnTaker();
  let loops = 0;
  let isOver = false;
  const count = (): void => {
    loops++;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  for (let i = 0; i < 100; i++) {
    const turn = await turns.enter(busy);
    nowMs += 1;
    turn.end();
  }
  isOver = true;
  assert.ok(loops >= 15, `${loops} turns of the loop`);
});

test('who waits and is cancelled leaves its place to others', async () => {
  const turns = new FairTurns(1);
  const first = await turns.enter(new TurnTaker());
  const gone = new AbortController();
  const cancelled = turns.enter(new TurnTaker(), gone.signal);
  const last = turns.enter(new TurnTaker());
  gone.abort();
  await assert.rejects(cancelled, { code: 'ECANCELLED' });
  first.end();
  (await last).end();
});

test('of the requests of one client the oldest goes first, so that one ends before the next has come far', async () => {
  let nowMs = 0;
  const turns = new FairTurns(1, () => nowMs);
  const taker = new TurnTaker();
  const steps = [0, 0, 0];
  const done: number[][] = [];
  const request = async (number: number): Promise<void> => {
    const turn = await turns.enter(taker);
    for (let step = 0; step < 20; step++) {
      await turn.next();
      steps[number] = (steps[number] ?? 0) + 1;
      nowMs += 6;
    }
    turn.end();
    done.push([...steps]);
  };
  await Promise.all([0, 1, 2].map(request));
  assert.deepEqual(done, [
    [20, 0, 0],
    [20, 20, 0],
    [20, 20, 20],
  ]);
});
