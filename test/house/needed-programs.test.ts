import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { isInstalled, NEEDED_PACKAGES, NEEDED_PROGRAMS, PRESENT_PROGRAMS } from '../support/needed-programs.ts';
import { PROJECT_ROOT } from '../support/project.ts';

/** What is run by name: `spawnSync('rsync', …` and the like. */
const STARTED = /\b(?:spawn|spawnSync|execFile|execFileSync)\(\s*'([a-z][\w.-]*)'/g;

for (const [name, programs] of Object.entries(NEEDED_PROGRAMS)) {
  it(`the tests can run what they need of the Debian package ${name}`, () => {
    const missing = programs.filter((program) => !isInstalled(program));
    assert.deepEqual(missing, [], `not found: apt-get install ${name}, or see the test command of README.md`);
  });
}

it("the README's test command installs every package that tests need, and no other", () => {
  const found = /apt-get install -y ([^&\n]*)/.exec(readFileSync(join(PROJECT_ROOT, 'README.md'), 'utf8'));
  assert.deepEqual(found?.[1]?.trim().split(/\s+/), [...Object.keys(NEEDED_PROGRAMS), ...NEEDED_PACKAGES].sort());
});

it('a program that a test starts by name is in the list of those that are needed', () => {
  const known = new Set([...Object.values(NEEDED_PROGRAMS).flat(), ...PRESENT_PROGRAMS]);
  const folder = join(PROJECT_ROOT, 'test');
  const unknown = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .flatMap((name) => [...readFileSync(join(folder, name), 'utf8').matchAll(STARTED)].map(([, program = '']) => `${name}: ${program}`))
    .filter((line) => !known.has(line.replace(/^.*: /, '')));
  assert.deepEqual(unknown, []);
});
