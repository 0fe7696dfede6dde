import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { PROJECT_ROOT } from '../support/project.ts';

test('each rule of docs/shell.md has a test, whose name is there', () => {
  const rows = readFileSync(join(PROJECT_ROOT, 'docs/shell.md'), 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| rule '));
  assert.ok(rows.length > 40, `${rows.length} rows`);
  for (const row of rows) {
    const [, name = '', file = ''] = /\| \[([^\]]+)\]\(\.\.\/(test\/[^)]+)\) \|$/.exec(row) ?? [];
    assert.ok(name !== '' && existsSync(join(PROJECT_ROOT, file)), row);
    assert.ok(readFileSync(join(PROJECT_ROOT, file), 'utf8').includes(name), `${file} has no test of that name: ${row}`);
  }
});
