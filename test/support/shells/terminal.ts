import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { PROGRAM } from '../program.ts';
import type { Scratch } from '../scratch.ts';

// The prompt in a real terminal: tmux's. What is shown is polled for, up to this long.
const PATIENCE_MS = 20_000;
const HAS_TMUX = spawnSync('tmux', ['-V']).status === 0;

/** Options of a test that takes a terminal. */
export const NEEDS_TMUX: { readonly skip?: string } = HAS_TMUX ? {} : { skip: 'tmux is not installed' };

/** vtftp in a terminal of 120 columns and 40 lines, which outlives it. */
export class Terminal {
  readonly #server: string;

  constructor(t: TestContext, scratch: Scratch, args: readonly string[], moreEnv: Readonly<Record<string, string>> = {}) {
    this.#server = `vtftp-test-${process.pid}-${Math.random().toString(36).slice(2)}`;
    const env = Object.entries({ ...scratch.env, ...moreEnv, TERM: 'screen', NO_COLOR: '1' }).map(([name, value]) => `${name}=${value}`);
    const size = ['-x', '120', '-y', '40', '-c', scratch.folder];
    const script = 'trap : INT; "$@"; echo "ended with $?"; exec sleep 600';
    this.#tmux(
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      ...size,
      'env',
      ...env,
      'sh',
      '-c',
      script,
      'sh',
      process.execPath,
      PROGRAM,
      ...args,
    );
    t.after(() => this.#tmux('kill-server'));
  }

  #tmux(...args: readonly string[]): string {
    return execFileSync('tmux', ['-L', this.#server, ...args], { encoding: 'utf8' });
  }

  keys(...keys: readonly string[]): void {
    this.#tmux('send-keys', ...keys);
  }

  type(text: string): void {
    this.#tmux('send-keys', '-l', text);
  }

  paste(text: string): void {
    this.#tmux('set-buffer', text);
    this.#tmux('paste-buffer', '-p');
  }

  resize(columns: number, lines: number): void {
    this.#tmux('resize-window', '-x', `${columns}`, '-y', `${lines}`);
  }

  get screen(): string {
    return this.#tmux('capture-pane', '-p', '-J').replace(/\s+$/gm, '\n').trim();
  }

  /** Waits until the screen matches. */
  async shows(pattern: RegExp): Promise<string> {
    for (const end = Date.now() + PATIENCE_MS; Date.now() < end; await delay(30)) {
      const { screen } = this;
      if (pattern.test(screen)) return screen;
    }
    return assert.fail(`the terminal does not show ${pattern}:\n${this.screen}`);
  }
}
