import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { checkLayers } from '../../scripts/layers.ts';
import { PROJECT_ROOT } from '../support/project.ts';
import { makeScratch } from '../support/scratch.ts';

/** A violation to plant, and what the check must say of it. */
interface Plant {
  readonly name: string;
  readonly files: Readonly<Record<string, string>>;
  readonly says: RegExp;
}

const PLANTS: readonly Plant[] = [
  {
    name: 'core imports the shell',
    files: { 'core/base/planted.ts': "import { x } from '../../shell/main.ts';\nexport const y = x;\n" },
    says: /core may not import from shell/,
  },
  {
    name: 'core imports a command',
    files: { 'core/base/planted.ts': "export { x } from '../../commands/all-commands.ts';\n" },
    says: /core may not import from commands/,
  },
  {
    name: 'core imports fuse, late',
    files: { 'core/base/planted.ts': "export const x = () => import('../../fuse/driver.ts');\n" },
    says: /core may not import from fuse/,
  },
  {
    name: 'fuse imports a command',
    files: { 'fuse/planted.ts': "import type { X } from '../commands/command.ts';\nexport type Y = X;\n" },
    says: /fuse may not import from commands/,
  },
  {
    name: 'a command imports the shell',
    files: { 'commands/planted.ts': "import '../shell/output.ts';\n" },
    says: /commands may not import from shell/,
  },
  {
    name: 'the shell imports a test',
    files: { 'shell/planted.ts': "import '../test/support/project.ts';\n" },
    says: /shell may not import from test/,
  },
  {
    name: 'a native package in a second file',
    files: { 'core/store/planted.ts': "import { load } from 'koffi';\nexport const x = load;\n" },
    says: /only core\/base\/system\/libc.ts may import "koffi"/,
  },
  {
    name: 'a native package by require',
    files: { 'core/store/planted.ts': "export const x = (require: (name: string) => unknown) => require('koffi');\n" },
    says: /only core\/base\/system\/libc.ts may import "koffi"/,
  },
  {
    name: 'core reads the environment',
    files: { 'core/planted.ts': "export const home = process.env['HOME'];\n" },
    says: /core may not use process.env/,
  },
  {
    name: 'core reads it by another door',
    files: { 'core/planted.ts': 'export const { env } = globalThis.process;\n' },
    says: /core may not use process as a value/,
  },
  {
    name: 'core imports process',
    files: { 'core/planted.ts': "import { argv } from 'node:process';\nexport const x = argv;\n" },
    says: /core may not import "node:process"/,
  },
  {
    name: 'a command prints on its own',
    files: { 'commands/planted.ts': "export const x = () => process.stdout.write('x');\n" },
    says: /commands may not use process.stdout/,
  },
  {
    name: 'a command ends the process',
    files: { 'commands/planted.ts': 'export const x = () => process.exit(1);\n' },
    says: /commands may not use process.exit/,
  },
  {
    name: 'an import cycle',
    files: {
      'core/base/one.ts': "import { b } from './two.ts';\nexport const a = () => b;\n",
      'core/base/two.ts': "import { a } from './one.ts';\nexport const b = () => a;\n",
    },
    says: /import cycle: core\/base\/(one.ts -> core\/base\/two.ts -> core\/base\/one|two.ts -> core\/base\/one.ts -> core\/base\/two).ts/,
  },
  {
    name: 'a cycle of types',
    files: {
      'core/base/one.ts': "import type { B } from './two.ts';\nexport interface A { b: B }\n",
      'core/base/two.ts': "import type { A } from './one.ts';\nexport interface B { a: A }\n",
    },
    says: /import cycle: core\/base/,
  },
  {
    name: 'a cycle through an import that runs later',
    files: {
      'core/base/one.ts': "export const a = () => import('./two.ts');\n",
      'core/base/two.ts': "import { a } from './one.ts';\nexport const b = () => a;\n",
    },
    says: /import cycle: core\/base/,
  },
  {
    name: 'a room of core imports one above it',
    files: { 'core/block/planted.ts': "import { joinPath } from '../tree/path.ts';\nexport const x = joinPath;\n" },
    says: /core\/block may not import from core\/tree, which is above it/,
  },
  {
    name: 'a room of core imports a type of one above it',
    files: { 'core/store/planted.ts': "import type { Tree } from '../tree/tree.ts';\nexport type X = Tree;\n" },
    says: /core\/store may not import from core\/tree, which is above it/,
  },
  {
    name: 'a room of core imports one above it, late',
    files: { 'core/store/planted.ts': "export const x = () => import('../openers/open-store.ts');\n" },
    says: /core\/store may not import from core\/openers, which is above it/,
  },
  {
    name: 'a room of core that is not in the order',
    files: { 'core/attic/planted.ts': "import { x } from '../base/octets.ts';\nexport const y = x;\n" },
    says: /core\/attic has no place in the order/,
  },
];

/** What the linter of the editor sees too, by its own rules. */
const LINTED: readonly string[] = [
  'core imports the shell',
  'core imports a command',
  'fuse imports a command',
  'a command imports the shell',
  'the shell imports a test',
  'an import cycle',
];

function plant(folder: string, files: Plant['files']): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
}

test('the walls between the rooms hold', () => {
  assert.deepEqual(checkLayers(PROJECT_ROOT), []);
});

for (const { name, files, says } of PLANTS) {
  test(`a planted violation is seen: ${name}`, (t) => {
    const { folder } = makeScratch(t);
    plant(folder, files);
    const found = checkLayers(folder).map((fault) => `${fault.file}:${fault.line}: ${fault.message}`);
    assert.match(found.join('\n'), says);
    if (!LINTED.includes(name)) return;
    cpSync(join(PROJECT_ROOT, 'biome.json'), join(folder, 'biome.json'));
    const lint = spawnSync(join(PROJECT_ROOT, 'node_modules/.bin/biome'), ['lint', ...Object.keys(files)], {
      cwd: folder,
      encoding: 'utf8',
    });
    assert.notEqual(lint.status, 0, 'the linter says nothing');
    assert.match(lint.stdout + lint.stderr, /noRestrictedImports|noImportCycles/);
  });
}

test('what looks like a violation and is none passes', (t) => {
  const folder = makeScratch(t).folder;
  plant(folder, {
    'core/block/a.ts':
      "import type { B } from '../base/b.ts';\nexport interface A { process: B; exit(): void }\nexport const platform = process.platform;\n",
    'core/base/b.ts': 'export interface B { a: number }\nexport const x = (a: { process: B }) => a.process;\n',
    'core/base/c.ts': '// process.exit(1)\nexport const text = "process.env";\n',
  });
  assert.deepEqual(checkLayers(folder), []);
});
