import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
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
    files: { 'core/planted.ts': "export { x } from '../commands/list.ts';\n" },
    says: /core may not import from commands/,
  },
  {
    name: 'core imports fuse, late',
    files: { 'core/planted.ts': "export const x = () => import('../fuse/mount.ts');\n" },
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
      'core/one.ts': "import { b } from './two.ts';\nexport const a = () => b;\n",
      'core/two.ts': "import { a } from './one.ts';\nexport const b = () => a;\n",
    },
    says: /import cycle: core\/(one.ts -> core\/two.ts -> core\/one|two.ts -> core\/one.ts -> core\/two).ts/,
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

function copyOfProject(t: Parameters<typeof makeScratch>[0]): string {
  const { folder } = makeScratch(t);
  for (const room of ['core', 'fuse', 'commands', 'shell'].filter((name) => existsSync(join(PROJECT_ROOT, name))))
    cpSync(join(PROJECT_ROOT, room), join(folder, room), { recursive: true, force: true });
  cpSync(join(PROJECT_ROOT, 'biome.json'), join(folder, 'biome.json'));
  return folder;
}

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
    const folder = copyOfProject(t);
    plant(folder, files);
    const found = checkLayers(folder).map((fault) => `${fault.file}:${fault.line}: ${fault.message}`);
    assert.match(found.join('\n'), says);
    if (!LINTED.includes(name)) return;
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
    'core/a.ts':
      "import type { B } from './b.ts';\nexport interface A { process: B; exit(): void }\nexport const platform = process.platform;\n",
    'core/b.ts': "import type { A } from './a.ts';\nexport interface B { a: A }\nexport const x = (a: A) => a.process;\n",
    'core/c.ts': '// process.exit(1)\nexport const text = "process.env";\n',
  });
  assert.deepEqual(checkLayers(folder), []);
});
