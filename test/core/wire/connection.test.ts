import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { ConnectionLostError, VtError } from '../../../core/base/errors.ts';
import type { ConnectionOptions } from '../../../core/wire/connection.ts';
import { Connection } from '../../../core/wire/connection.ts';
import { MAX_OUTSTANDING } from '../../../core/wire/limits.ts';
import type { Link } from '../../../core/wire/links/link.ts';
import type { Packet } from '../../../core/wire/packet.ts';
import { encodePacket } from '../../../core/wire/packet.ts';
import type { Reply } from '../../../core/wire/reply.ts';
import { REQUEST } from '../../../core/wire/requests.ts';

/** Two ends of one line. */
function line(): readonly [Link, Link] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  const destroy = (): void => {
    there.destroy();
    back.destroy();
  };
  return [
    { input: back, output: there, destroy },
    { input: there, output: back, destroy },
  ];
}

function pair(options: Partial<ConnectionOptions>): readonly [Connection, Connection] {
  const [a, b] = line();
  return [new Connection(a, { name: 'server' }), new Connection(b, { name: 'client', ...options })];
}

/** Answers when it is told to. */
class Later {
  readonly atOnce = 1000;
  readonly waiting: { readonly packet: Packet; readonly done: (reply: Reply) => void }[] = [];
  #most = 0;
  #arrived: (() => void) | undefined;

  get most(): number {
    return this.#most;
  }

  async answer(packet: Packet): Promise<Reply> {
    return await new Promise((done) => {
      this.waiting.push({ packet, done });
      this.#most = Math.max(this.#most, this.waiting.length);
      this.#arrived?.();
    });
  }

  /** Resolves when as many requests wait. */
  async has(count: number): Promise<void> {
    while (this.waiting.length < count) {
      await new Promise<void>((resolve) => {
        this.#arrived = resolve;
      });
    }
  }

  release(index: number, payload: string): void {
    const [one] = this.waiting.splice(index, 1);
    one?.done({ isDone: true, payload: [Buffer.from(payload)] });
  }
}

it('responses may overtake each other, and each comes to whoever asked', async () => {
  const later = new Later();
  const [client] = pair({ handler: later });
  const asked = ['first', 'second', 'third'].map(async () => Buffer.from((await client.request(100)).payload).toString());
  await later.has(3);
  later.release(2, 'to the third');
  later.release(0, 'to the first');
  later.release(0, 'to the second');
  assert.deepEqual(await Promise.all(asked), ['to the first', 'to the second', 'to the third']);
  await client.close();
});

it('no more requests are under way than are allowed, and all are answered', async () => {
  const later = new Later();
  const [client] = pair({ handler: later });
  const asked = Array.from({ length: 3 * MAX_OUTSTANDING }, async (_, i) =>
    Number(Buffer.from((await client.request(100, { payload: [Buffer.from(`${i}`)] })).payload)),
  );
  let answered = 0;
  while (answered < asked.length) {
    await later.has(1);
    const payload = Buffer.from(later.waiting[0]?.packet.payload ?? []).toString();
    later.release(0, payload);
    answered++;
  }
  assert.deepEqual(
    await Promise.all(asked),
    asked.map((_, i) => i),
  );
  assert.ok(later.most <= MAX_OUTSTANDING, `${later.most}`);
});

it('a request that is cancelled is rejected at once, and its late response does no harm', async () => {
  const later = new Later();
  const [client] = pair({ handler: later });
  const abort = new AbortController();
  const cancelled = client.request(100, {}, abort.signal);
  const kept = client.request(100);
  await later.has(2);
  abort.abort();
  await assert.rejects(cancelled, (error) => error instanceof VtError && error.code === 'ECANCELLED');
  later.release(0, 'too late');
  later.release(0, 'in time');
  assert.equal(Buffer.from((await kept).payload).toString(), 'in time');
  assert.equal(client.outstanding, 0);
});

it('who ends a connection waits for answers, but not for those of cancelled requests alone', async () => {
  for (const isOther of [false, true]) {
    const later = new Later();
    const [client, server] = pair({ handler: later });
    const abort = new AbortController();
    const cancelled = client.request(100, {}, abort.signal);
    const other = isOther ? client.request(101) : undefined;
    await later.has(isOther ? 2 : 1);
    abort.abort();
    await assert.rejects(cancelled, (error) => error instanceof VtError && error.code === 'ECANCELLED');
    const startMs = performance.now();
    const closed = client.close();
    if (other !== undefined) {
      later.release(0, 'nobody waits');
      later.release(0, 'waited for');
      assert.equal(Buffer.from((await other).payload).toString(), 'waited for');
    }
    // A side that never answers is given five seconds.
    await closed;
    assert.ok(performance.now() - startMs < 4000);
    if (!isOther) later.release(0, 'nobody is there');
    await server.closed;
  }
});

it('both sides may ask, and a side that serves nothing says so', async () => {
  const [client, server] = pair({ handler: { atOnce: 1, answer: async () => await Promise.resolve({ isDone: true, yes: true }) } });
  assert.equal((await client.request(100)).yes, true);
  await server.request(REQUEST.ping);
  await assert.rejects(server.request(REQUEST.flush), /nothing is served here/);
});

it('an end in order answers what was asked before it; what is asked after it is refused', async () => {
  const later = new Later();
  const [client, server] = pair({ handler: later });
  const asked = client.request(100);
  await later.has(1);
  server.drain();
  later.release(0, 'the last');
  assert.equal(Buffer.from((await asked).payload).toString(), 'the last');
  await Promise.all([client.closed, server.closed]);
  await assert.rejects(client.request(100), ConnectionLostError);
});

it('a side that is silent is asked whether it is there, and is lost when it does not answer', async (t) => {
  // What is watched keeps no process alive; a socket would.
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  const times = { quietMs: 20, lostMs: 120 };
  const [here] = line();
  const alone = new Connection(here, { name: 'nobody', ...times });
  alone.watch();
  await assert.rejects(alone.request(100), (error) => error instanceof ConnectionLostError && /no data for/.test(error.message));
  // The other answers pings, however long the request takes.
  const later = new Later();
  const [a, b] = line();
  const pings = {
    atOnce: 10,
    answer: async (packet: Packet) =>
      packet.request === REQUEST.ping ? await Promise.resolve({ isDone: true }) : await later.answer(packet),
  };
  const server = new Connection(b, { name: 'client', handler: pings });
  const client = new Connection(a, { name: 'server', ...times });
  client.watch();
  const asked = client.request(100);
  await later.has(1);
  // Far longer than a silent side is waited for.
  const start = performance.now();
  await new Promise((resolve) => {
    setTimeout(resolve, 3 * times.lostMs);
  });
  assert.ok(performance.now() - start > 2 * times.lostMs);
  later.release(0, 'at last');
  assert.equal(Buffer.from((await asked).payload).toString(), 'at last');
  await client.close();
  await server.closed;
});

it('a process that was halted itself does not take the other side for lost', async (t) => {
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  const later = new Later();
  const [a, b] = line();
  const answer = async (packet: Packet) =>
    packet.request === REQUEST.ping ? await Promise.resolve({ isDone: true }) : await later.answer(packet);
  const server = new Connection(b, { name: 'client', handler: { atOnce: 10, answer } });
  const client = new Connection(a, { name: 'server', quietMs: 40, lostMs: 400 });
  client.watch();
  const asked = client.request(100);
  await later.has(1);
  for (let i = 0; i < 3; i++) {
    // As SIGSTOP does to it.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1000);
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
  later.release(0, 'at last');
  assert.equal(Buffer.from((await asked).payload).toString(), 'at last');
  await client.close();
  await server.closed;
});

it('who waits for an answer is told of a silence, once, and not while pings are answered', async (t) => {
  const alive = setInterval(() => {}, 1000);
  t.after(() => clearInterval(alive));
  const told: string[] = [];
  const asked = (name: string) => ({ quietMs: 20, lostMs: 200, tellMs: 60, onSilent: () => void told.push(name) });
  const [here] = line();
  const alone = new Connection(here, { name: 'nobody', asked: asked('nobody') });
  alone.watch();
  await assert.rejects(alone.request(100), (error) => error instanceof ConnectionLostError && /no data for/.test(error.message));
  assert.deepEqual(told, ['nobody']);
  const later = new Later();
  const [a, b] = line();
  const isPing = ({ request }: Packet): boolean => request === REQUEST.ping;
  const answer = async (packet: Packet) => (isPing(packet) ? await Promise.resolve({ isDone: true }) : await later.answer(packet));
  const server = new Connection(b, { name: 'client', handler: { atOnce: 10, answer } });
  const client = new Connection(a, { name: 'server', asked: { ...asked('server'), tellMs: 2000 } });
  client.watch();
  const request = client.request(100);
  await later.has(1);
  await new Promise((resolve) => {
    setTimeout(resolve, 600);
  });
  later.release(0, 'at last');
  assert.equal(Buffer.from((await request).payload).toString(), 'at last');
  assert.deepEqual(told, ['nobody']);
  await client.close();
  await server.closed;
});

it('a response that nobody asked for, and a stream that ends within a packet, end the connection', async () => {
  for (const octets of [
    encodePacket({ tag: 9, channel: 0, request: undefined, flags: 1, payload: new Uint8Array(0) }),
    Buffer.from([100, 2, 4]),
  ]) {
    const [a, b] = line();
    const client = new Connection(a, { name: 'server' });
    const asked = client.request(100);
    b.output.write(octets);
    b.output.end();
    await assert.rejects(asked, ConnectionLostError);
    await client.closed;
  }
});
