import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { test } from 'node:test';
import { mounted, noMountsHere } from '../support/mounts/mounted.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';
import { NEEDS_TMUX, Terminal } from '../support/shells/terminal.ts';

/** Something that was said in a recorded session, and what came. */
interface Step {
  /** `$`, or the prompt of the attached shell. */
  readonly prompt: string;
  readonly line: string;
  readonly output: readonly string[];
}

/** The steps of a transcript. */
function stepsOf(text: string): Step[] {
  const steps: { prompt: string; line: string; output: string[] }[] = [];
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# ')) continue;
    const [, prompt, said] = /^(\$|vtftp[^ ]*>) (.*)$/.exec(line) ?? [];
    if (prompt !== undefined && said !== undefined) steps.push({ prompt, line: said, output: [] });
    else steps.at(-1)?.output.push(line);
  }
  return steps;
}

/** What a text of a transcript matches: itself, with `…` for anything within a line. */
function pattern(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('…', '.*');
}

const SKIP = noMountsHere() === undefined ? NEEDS_TMUX : { skip: noMountsHere() ?? '' };

test('a recorded session in which a shell changes a mount that is in use goes the same way again', SKIP, async (t) => {
  const steps = stepsOf(readFileSync(join(PROJECT_ROOT, 'test/transcripts/attached.txt'), 'utf8'));
  assert.ok(steps.length > 20);
  const scratch = makeScratch(t);
  const mount = await mounted(t, scratch);
  const shell = spawn('sh', { cwd: mount.path, env: { ...process.env, LC_ALL: 'C.UTF-8' }, stdio: ['pipe', 'pipe', 'inherit'] });
  t.after(() => shell.kill());
  const lines = createInterface({ input: shell.stdout })[Symbol.asyncIterator]();
  const said = async (line: string): Promise<string[]> => {
    shell.stdin.write(`${line}\necho "ended with $?"\n`);
    const output: string[] = [];
    for (;;) {
      const { value, done } = await lines.next();
      if (done === true || value === 'ended with 0') return output;
      output.push(value);
    }
  };
  const terminal = new Terminal(t, scratch, [mount.path], mount.env);
  for (const [index, { prompt, line, output }] of steps.entries()) {
    const where = `step ${index + 1}: ${prompt} ${line}`;
    if (prompt === '$') {
      assert.match((await said(line)).join('\n'), new RegExp(`^${pattern(output.join('\n'))}$`), where);
      continue;
    }
    // Each step has the screen to itself.
    terminal.keys('C-l');
    await terminal.shows(new RegExp(`^${pattern(prompt)}$`));
    terminal.type(line);
    await terminal.shows(new RegExp(`^${pattern(`${prompt} ${line}`)}$`));
    terminal.keys('Enter');
    const end = line === 'quit' ? 'ended with 0' : 'vtftp[^ ]*>';
    await terminal.shows(new RegExp(`^${[pattern(`${prompt} ${line}`), ...output.map(pattern), end].join('\\n+')}$`));
  }
  shell.stdin.end();
  await once(shell, 'exit');
  assert.equal((await mount.unmount()).status, 0);
});
