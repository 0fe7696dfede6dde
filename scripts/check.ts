import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { checkLayers } from './layers.ts';
import { PROJECT_ROOT } from './project-root.ts';
import { checkSizes } from './sizes.ts';

/**
 * The gate: `npm run check`. Every step runs, and every failure is shown. The exit status is 1 if a step failed.
 */

/** A step returns a text about the faults that it found, or an empty string. */
type Step = readonly [name: string, run: () => string | Promise<string>];

const STEPS: readonly Step[] = [
  ['types', () => tool('tsc', ['-p', 'tsconfig.json', '--noEmit'])],
  ['format and lint', () => tool('biome', ['check', '--error-on-warnings', '--max-diagnostics=200', '.'])],
  ['promises', () => tool('eslint', ['--max-warnings=0', '.'])],
  [
    'layers',
    () =>
      checkLayers(PROJECT_ROOT)
        .map((fault) => `${fault.file}:${fault.line}: ${fault.message}`)
        .join('\n'),
  ],
  ['sizes', () => checkSizes(PROJECT_ROOT).join('\n')],
  ['dead code', () => tool('knip', ['--no-progress', '--treat-config-hints-as-errors'])],
  ['lock file', () => generated('scripts/lock-file.ts', ['--check'])],
  ['kernels up to date', () => generated('scripts/kernels/build-kernel.ts', ['--check'])],
  ['prose', () => generated('scripts/prose.ts', [])],
  ['types of the client up to date', () => generated('scripts/build-client-records.ts', ['--check'])],
  ['man page up to date', () => generated('scripts/build-man-page.ts', ['--check'])],
  ['man pages', lintManPages],
];

/** Runs a development tool of node_modules. */
function tool(name: string, args: readonly string[]): string {
  return outputOfFailure(join(PROJECT_ROOT, 'node_modules/.bin', name), args);
}

/** Runs one of our generators in its mode that compares and does not write. */
function generated(script: string, args: readonly string[]): string {
  if (!existsSync(join(PROJECT_ROOT, script))) return `no such script: ${script}`;
  return outputOfFailure(process.execPath, [join(PROJECT_ROOT, 'dist', script.replace(/\.ts$/, '.js')), ...args]);
}

function lintManPages(): string {
  const folder = join(PROJECT_ROOT, 'man');
  const pages = readdirSync(folder).filter((name) => /\.[1-8]$/.test(name));
  // mandoc looks in the current folder for pages that refer to each other.
  return outputOfFailure('mandoc', ['-T', 'lint', ...pages], folder);
}

function outputOfFailure(command: string, args: readonly string[], cwd = PROJECT_ROOT): string {
  const run = spawnSync(command, args, { cwd, encoding: 'utf8', maxBuffer: 64 << 20 });
  if (run.error !== undefined) return `${command}: ${run.error.message}`;
  if (run.status === 0) return '';
  return `${run.stdout}${run.stderr}`.trim() || `${command}: exit status ${run.status ?? run.signal}`;
}

let failed = 0;
for (const [name, run] of STEPS) {
  const started = performance.now();
  const found = await run();
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`${found === '' ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (found === '') continue;
  failed++;
  console.log(found.replace(/^/gm, '    '));
}
console.log(failed === 0 ? 'check: everything holds' : `check: ${failed} of ${STEPS.length} steps failed`);
process.exitCode = failed === 0 ? 0 : 1;
