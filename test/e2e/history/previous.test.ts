import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { it } from 'node:test';
import { vtftp } from '../../support/program.ts';
import { makeScratch } from '../../support/scratch.ts';

// Earlier states that a node itself remembers.

it('put --previous keeps what was there, inspect lists it, bind brings it back; it goes along everywhere, and gc keeps it', async (t) => {
  const scratch = makeScratch(t);
  const on = async (args: readonly string[], status = 0): Promise<string> => {
    const done = await vtftp(args, { env: scratch.env, cwd: scratch.folder });
    assert.equal(done.status, status, done.report);
    return done.stdout;
  };
  const inspect = async (source: readonly string[], name: string): Promise<readonly { type: string; size: number; reference: string }[]> =>
    (JSON.parse((await on(['--json', ...source, '-c', `inspect ${name}`])).trim()) as { previous?: never[] }).previous ?? [];
  const store = ['-S', './store'];
  const write = (text: string): void => writeFileSync(scratch.path('f'), text.repeat(1000));

  for (const text of ['first', 'the second', 'a third one']) {
    write(text);
    await on([...store, '-c', 'put --previous f; quit']);
  }
  const root = await on([...store, '-c', 'quit']);
  assert.ok((await on([...store, '-c', 'put --previous f; quit'])).endsWith(root.slice(root.indexOf('D{'))), 'the same is no new state');
  const states = await inspect(store, 'f');
  assert.deepEqual(
    states.map(({ type, size }) => `${type} ${size}`),
    ['file 10000', 'file 5000'],
  );
  assert.match(await on([...store, '-c', 'inspect f']), /^earlier +\d{4}-\S+ +9\.8K +F\{/m);

  rmSync(scratch.path('store/archives/default.vt'));
  await on([...store, '-c', `bind f ${await direntOf(root)}; cp f copy; ar f.vtd f; quit`]);
  await on([...store, '-c', 'gc --grace 0; fsck; scrub']);
  assert.match(await on([...store, '-c', `bind old ${states[1]?.reference}; head -c 5 old; rm old; quit`]), /^first/m);
  assert.deepEqual(await inspect(store, 'copy'), states);
  assert.deepEqual(await inspect(['f.vtd'], 'f'), states);
  await on([...store, '-c', 'transition sha256 ./other --verify']);
  assert.deepEqual(
    (await inspect(['-S', './other'], 'f')).map(({ size }) => size),
    [10_000, 5000],
  );

  write('a last one');
  await on([...store, '-c', 'put f; quit']);
  assert.deepEqual(await inspect(store, 'f'), [], 'a put without it forgets them');
  await on([...store, '-c', 'put --previous --merge f'], 2);

  async function direntOf(text: string): Promise<string> {
    const opened = await on(['--json', ...store, text.trim().split('\n').at(-1) ?? '', '-c', 'inspect f']);
    return (JSON.parse(opened.trim()) as { reference: string }).reference;
  }
});
