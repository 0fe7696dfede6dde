import assert from 'node:assert/strict';
import { test } from 'node:test';
import { COMMANDS } from '../../../commands/all-commands.ts';
import type { LocalSession } from '../../../commands/session.ts';
import { formatStateTime } from '../../../core/base/date.ts';
import type { Octets } from '../../../core/base/octets.ts';
import { completeLine } from '../../../shell/line/completion.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

const FIRST_NS = 1_796_130_744_358_000_000n;
const SECOND_NS = 1_796_131_209_750_000_000n;

/** Words that are completed from the tables alone: no tree is looked at. */
async function completed(line: string): Promise<readonly string[]> {
  const session = {
    aliases: new Map(),
    bookmarks: [{ name: 'photos', source: 'default', path: '/photos' }],
    peers: { list: () => [{ name: 'nas', specification: 'ssh://nas/' }] },
    localCwd: PROJECT_ROOT as Octets,
    archive: {
      async *entries() {
        yield { number: 1, whenNs: FIRST_NS, notes: new Map() };
        yield { number: 2, whenNs: SECOND_NS, notes: new Map() };
      },
    },
  } as unknown as LocalSession;
  const { candidates } = await completeLine(line, {
    commands: COMMANDS,
    session,
    skipReference: () => undefined,
    home: '/' as Octets,
    clauses: ['[disk]'],
  });
  return candidates.map((text) => text.trim());
}

const CASES: readonly { readonly line: string; readonly offers: readonly string[] }[] = [
  { line: 'mount --fo', offers: ['--foreground'] },
  { line: 'mount -o al', offers: ['all', 'allow_other'] },
  { line: 'mount -o ro,noe', offers: ['ro,noexec'] },
  { line: 'mount --options=s', offers: ['--options=suid', '--options=sync='] },
  { line: 'mount -o ro,driver=k', offers: ['ro,driver=kernel'] },
  { line: 'get --owner=n', offers: ['--owner=names', '--owner=none', '--owner=numeric'] },
  { line: 'get --owner n', offers: ['names', 'none', 'numeric'] },
  { line: 'find -type ', offers: ['b', 'c', 'd', 'f', 'l', 'p', 's'] },
  { line: 'set ', offers: ['glob', 'mime', 'onerror', 'prompt', 'suggest', 'timing'] },
  { line: 'open [', offers: ['[disk]'] },
  { line: 'open pho', offers: ['photos'] },
  { line: 'bookmark -d ', offers: ['photos'] },
  { line: 'pull --peer=', offers: ['--peer=nas'] },
  { line: 'peer --drop n', offers: ['nas'] },
  { line: 'set onerror c', offers: ['continue'] },
  { line: 'ls --nothing-like-it ', offers: [] },
  { line: 'undo @', offers: ['@1', '@2'] },
  { line: 'tag @', offers: ['@1', '@2'] },
  { line: 'diff @', offers: ['@1', '@2'] },
  { line: 'undo @20', offers: [`@${formatStateTime(FIRST_NS)}`, `@${formatStateTime(SECOND_NS)}`] },
  { line: 'undo @2026-12-0', offers: [`@${formatStateTime(FIRST_NS)}`, `@${formatStateTime(SECOND_NS)}`] },
  { line: '!cat READ', offers: ['README.md'] },
  { line: 'pwd; !cat docs/feat', offers: ['features.md'] },
  { line: 'ls | grep -f ./READ', offers: ['README.md'] },
  { line: "!cat 'READ", offers: [] },
  { line: '!READ', offers: [] },
  { line: 'ls # READ', offers: [] },
];

for (const { line, offers } of CASES) test(`completion of "${line}"`, async () => assert.deepEqual(await completed(line), offers));

test('a tree that does not answer keeps nobody waiting: Tab gives what is there', async () => {
  const tree = {
    async *list() {
      yield { name: 'known', dirent: { kind: 'file' } };
      await new Promise(() => undefined);
    },
  };
  const session = { aliases: new Map(), cwd: '/', tree } as unknown as LocalSession;
  const completion = await completeLine('cat ', {
    commands: COMMANDS,
    session,
    skipReference: () => undefined,
    home: '/' as Octets,
    clauses: [],
  });
  assert.deepEqual(completion.candidates, ['known ']);
});
