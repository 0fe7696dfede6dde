import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { it } from 'node:test';
import { StreamSink } from '../../../shell/output/sink.ts';

it('a local command that ends without reading is told of, whether or not something was written to it', async () => {
  for (const line of [undefined, 'a line\n']) {
    const { stdin } = spawn('true', [], { stdio: ['pipe', 'ignore', 'inherit'] });
    let gone = false;
    const sink = new StreamSink(stdin, () => {
      gone = true;
    });
    if (line !== undefined) sink.write(Buffer.from(line));
    await once(stdin, 'close').catch(() => undefined);
    await new Promise((resolve) => setImmediate(resolve));
    assert.ok(gone);
    sink.write(Buffer.from('nobody takes it'));
    await sink.flush();
  }
});
