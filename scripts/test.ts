import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT_ROOT } from './project-root.ts';

/**
 * Runs the tests: `npm test [-- [--slow] [--list] [FILTER…] [--test-name-pattern=…]]`. A FILTER keeps the files whose path contains it.
 * The list is made from the sources. Given a folder, Node 20 runs every file in it and counts helpers as passed tests. It would also
 * run the output of tests that were removed.
 */

const args = process.argv.slice(2);
const slow = args.includes('--slow');
const listOnly = args.includes('--list');
const nodeOptions = args.filter((arg) => arg.startsWith('--test-'));
const filters = args.filter((arg) => !arg.startsWith('--'));

const files = readdirSync(join(PROJECT_ROOT, 'test'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.test.ts') && (slow || !name.startsWith('slow/')))
  .map((name) => join('dist/test', name.replace(/\.ts$/, '.js')))
  .filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)))
  .sort();

const unbuilt = files.filter((file) => !existsSync(join(PROJECT_ROOT, file)));
if (files.length === 0 || unbuilt.length > 0) {
  console.error(files.length === 0 ? 'test: no test file matches' : `test: not built: ${unbuilt.join(', ')}`);
  process.exit(1);
}
if (listOnly) {
  console.log(files.join('\n'));
  process.exit(0);
}

// Two at a time: the end-to-end tests start programs with worker threads of their own.
const run = spawnSync(
  process.execPath,
  [
    '--enable-source-maps',
    '--test',
    '--test-concurrency=2',
    // A test that hangs fails. No test takes a third of this time.
    '--test-timeout=600000',
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    ...nodeOptions,
    ...files,
  ],
  { cwd: PROJECT_ROOT, stdio: ['ignore', 'inherit', 'inherit'] },
);
process.exit(run.status ?? 1);
