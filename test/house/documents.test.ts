import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { COMMAND_GROUPS } from '../../commands/command.ts';
import { PARSERS } from '../../core/blockify/parsers/list.ts';
import { STORE_TYPES } from '../../core/openers/store-types.ts';
import { PROGRAM_OPTIONS } from '../../shell/argv.ts';
import { PROJECT_ROOT } from '../support/project.ts';

/** Folders whose inner folders are on the map of ARCHITECTURE.md, down to the last. */
const SOURCE_ROOMS = ['shell', 'commands', 'core', 'fuse', 'scripts', 'man'];

/** Types that open the Store of another type, by another way. */
const SAME_STORE: Readonly<Record<string, string>> = { tcp: 'unix', ssh: 'unix', https: 'http' };

const read = (page: string): string => readFileSync(join(PROJECT_ROOT, page), 'utf8');

/** The folders that the map of ARCHITECTURE.md names, by the indentation of its lines. */
function mappedFolders(): Set<string> {
  const map = /## Map\n([\s\S]*?)\n\n(?! {4})/.exec(read('ARCHITECTURE.md'))?.[1] ?? '';
  const open: { readonly indent: number; readonly path: string }[] = [];
  const found = new Set<string>();
  for (const [, spaces = '', names = ''] of map.matchAll(/^( +)((?:[\w-]+\/ ?)+)/gm)) {
    while (open.length > 0 && (open.at(-1)?.indent ?? 0) >= spaces.length) open.pop();
    const above = open.at(-1)?.path ?? '';
    for (const [, name = ''] of names.matchAll(/([\w-]+)\//g)) found.add(join(above, name));
    open.push({ indent: spaces.length, path: join(above, names.slice(0, names.indexOf('/'))) });
  }
  return found;
}

/** The folders with something in them: git keeps no others, though a rename may leave one behind. */
function foldersBelow(folder: string): string[] {
  return readdirSync(join(PROJECT_ROOT, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory() && readdirSync(join(PROJECT_ROOT, folder, entry.name)).length > 0)
    .flatMap((entry) => [join(folder, entry.name), ...foldersBelow(join(folder, entry.name))]);
}

describe('the documents name what is there', () => {
  it('every folder of the sources is on the map of ARCHITECTURE.md, and the map has no other', () => {
    const mapped = [...mappedFolders()].filter((path) => SOURCE_ROOMS.includes(path.split('/')[0] ?? ''));
    assert.deepEqual(mapped.sort(), SOURCE_ROOMS.flatMap((room) => [room, ...foldersBelow(room)]).sort());
  });

  it('every folder of test is named below the map', () => {
    const text = /Folders of `test\/`:([\s\S]*?)\n\n/.exec(read('ARCHITECTURE.md'))?.[1] ?? '';
    const folders = readdirSync(join(PROJECT_ROOT, 'test'), { withFileTypes: true }).filter((entry) => entry.isDirectory());
    for (const { name } of folders) assert.ok(text.includes(`\`${name}\``), `test/${name}`);
  });

  it('every command is in the folder of its group, and nothing else is there', () => {
    for (const group of COMMAND_GROUPS) {
      for (const file of readdirSync(join(PROJECT_ROOT, 'commands', group)))
        assert.ok(read(join('commands', group, file)).includes(`group: '${group}'`), `commands/${group}/${file}`);
    }
  });

  it('every type of Store is in vtftp.conf(5), with its parameters', () => {
    const page = read('man/vtftp.conf.5');
    for (const { type, primary, parameters } of STORE_TYPES) {
      assert.ok(page.includes(`\n.It Li ${type}:`), `${type}: describe it in man/vtftp.conf.5, in a paragraph ".It Li ${type}:"`);
      for (const name of Object.keys(parameters))
        if (name !== primary) assert.match(page, new RegExp(`\\b${name}=`), `${type}: man/vtftp.conf.5 has no ${name}=`);
    }
  });

  it('every capability of Stores is in docs/design/stores.md', () => {
    const text = read('core/store/capabilities.ts');
    const names = [...(/interface Capabilities {([\s\S]*?)\n}/.exec(text)?.[1] ?? '').matchAll(/readonly (\w+):/g)].map(([, name]) => name);
    assert.ok(names.length > 10, names.join());
    const page = read('docs/design/stores.md');
    for (const name of names)
      assert.match(page, new RegExp(`^\\|.*\`${name}\`.*\\|.*\\|$`, 'm'), `${name}: add its row to docs/design/stores.md`);
  });

  it('every type of Store passes a suite of test/conformance', () => {
    const tests = readdirSync(join(PROJECT_ROOT, 'test/core'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.test.ts'))
      .map((file) => read(`test/core/${file}`))
      .filter((text) => /^\s*(?:storeSuite|readOnlyStoreSuite)\(/m.test(text));
    for (const { type } of STORE_TYPES) {
      const suite = SAME_STORE[type] ?? type;
      assert.ok(
        tests.some((text) => new RegExp(`\\bname: ['\`]${suite}:`).test(text)),
        `${type}: call storeSuite or readOnlyStoreSuite with name: '${suite}: …'`,
      );
    }
  });

  it('every option of the program is in the SYNOPSIS of vtftp(1), and every variable that it reads in ENVIRONMENT', () => {
    const page = read('man/vtftp.1');
    const part = (name: string): string => new RegExp(`\\.Sh ${name}\\n([^]*?)\\n\\.Sh `).exec(page)?.[1] ?? '';
    for (const { name, short } of PROGRAM_OPTIONS) {
      const isThere =
        part('SYNOPSIS').includes(`Fl Fl ${name}`) || (short !== undefined && new RegExp(`Fl \\w*${short}`).test(part('SYNOPSIS')));
      assert.ok(isThere, name);
    }
    // Those that the shell around sets for every program.
    const known = new Set([...part('ENVIRONMENT').matchAll(/[A-Z][A-Z_]+/g)].map(([name]) => name)).add('PATH').add('PWD');
    for (const room of ['shell', 'commands', 'core', 'fuse'])
      for (const folder of [room, ...foldersBelow(room)])
        for (const file of readdirSync(join(PROJECT_ROOT, folder)).filter((name) => name.endsWith('.ts')))
          for (const [, name = ''] of read(join(folder, file)).matchAll(/\benv\['([A-Z_]+)'\]/g))
            assert.ok(known.has(name), `${folder}/${file}: ${name}`);
  });

  it('every parser is in vt(7)', () => {
    const page = read('man/vt.7');
    for (const { name } of PARSERS) assert.ok(page.includes(`\n.Cm ${name}`), `${name}: describe it in man/vt.7, by ".Cm ${name}"`);
  });

  it('every parser has a test of its edges', () => {
    const folder = 'test/core/blockify/parsers';
    const tests = readdirSync(join(PROJECT_ROOT, folder))
      .map((file) => read(join(folder, file)))
      .filter((text) => text.includes('edgesOf('));
    for (const { name } of PARSERS)
      assert.ok(
        tests.some((text) => new RegExp(`\\b${name}Parser\\b|'${name}'`).test(text)),
        `${name}: test its edges in ${folder}/${name}.test.ts, with edgesOf`,
      );
  });

  it('no page has a part of a merge that was not resolved, and no line of CHANGELOG.md stands there twice', () => {
    const pages = ['.', 'docs', 'docs/design', 'man']
      .flatMap((folder) => readdirSync(join(PROJECT_ROOT, folder)).map((name) => join(folder, name)))
      .filter((path) => /^(?:[A-Z]+\.md|(?:docs|man)\/.*\.(?:md|[157]|in))$/.test(path));
    assert.ok(pages.length > 40, `${pages.length} pages`);
    for (const page of pages) assert.doesNotMatch(read(page), /^(?:<{7}|>{7}) /m, page);
    const lines = read('CHANGELOG.md')
      .split('\n')
      .filter((line) => line.startsWith('- '));
    assert.deepEqual(
      lines.filter((line, i) => lines.indexOf(line) !== i),
      [],
    );
  });
});
