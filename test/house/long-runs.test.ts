import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { basename } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';

describe('the scripts of long runs', () => {
  for (const script of ['torture', 'attack', 'fuzz', 'fuzz/decoder-fuzz']) {
    const run = (...args: readonly string[]) =>
      spawnSync(process.execPath, [fileURLToPath(new URL(`../slow/${script}.js`, import.meta.url)), ...args], { encoding: 'utf8' });

    it(`${script}: --help tells its usage`, () => {
      const { status, stdout, stderr } = run('--help');
      assert.equal(status, 0);
      assert.match(stdout, new RegExp(`${basename(script)}.*--only NAME`));
      assert.equal(stderr, '');
    });

    for (const [args, says] of [
      [['--only', 'nothing'], /there is no "nothing" among /],
      [['--seconds', '0'], /--seconds=0: expected a whole number of 1 or more/],
      [['--never'], /--never/],
      [['stray'], /stray/],
    ] as const)
      it(`${script}: "${args.join(' ')}" is refused with one line and the usage`, () => {
        const { status, stderr } = run(...args);
        assert.equal(status, 2);
        assert.match(stderr, says);
        assert.match(stderr, /^[^\n]*; usage: [^\n]*\n$/);
      });
  }
});
