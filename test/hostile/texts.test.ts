import assert from 'node:assert/strict';
import { it } from 'node:test';
import { formatArchiveLine, parseArchiveLine } from '../../core/archive/archive-line.ts';
import type { ArchiveNotes } from '../../core/archive/archive-notes.ts';
import { checkDrop } from '../../core/archive/check-drop.ts';
import type { Octets } from '../../core/base/octets.ts';
import { formatDirent, parseDirent } from '../../core/dirent/dirent-text.ts';
import { EMPTY_ROOT } from '../../core/dirent/empty-root.ts';
import { parseTypedReference } from '../../core/dirent/reference.ts';
import { MAX_XATTRS } from '../../core/dirent/xattrs-codec.ts';
import { mergedNotes, statesBefore } from '../../core/history/ancestry.ts';
import { StateGraph } from '../../core/history/state-graph.ts';
import { ROOT_PATH } from '../../core/tree/path.ts';
import { numbered, times } from '../support/bombs/bomb.ts';

// Texts that strangers write, as long as a line of an archive may be. What looks at all that came before, for each item, takes hours.

const COUNT = 300_000;
/** Bound that tells seconds from hours. */
const MAX_MS = 60_000;

function ids(count: number): string[] {
  return Array.from({ length: count }, (_, i) => i.toString(16).padStart(32, '0'));
}

function lineWith(notes: ArchiveNotes, whenNs = 1n) {
  const line = parseArchiveLine(formatArchiveLine({ whenNs, dirent: EMPTY_ROOT, notes }));
  assert.ok(line !== undefined);
  return line;
}

const cases: readonly (readonly [name: string, run: () => void])[] = [
  [
    'a Dirref with attributes',
    () => {
      const xattrs = Array.from({ length: COUNT }, (_, i) => `"${numbered(COUNT - i)}":""`);
      const textOf = (some: readonly string[]): string => `F{meta:M{xattrs:{${some.join(',')}}},block:LB{}}`;
      const dirent = parseDirent(textOf(xattrs.slice(-MAX_XATTRS)));
      assert.equal(dirent.meta.xattrs?.size, MAX_XATTRS);
      assert.throws(() => parseDirent(textOf(xattrs)), /more than 65536 xattrs/);
      assert.ok(formatDirent(dirent).includes(`{"${numbered(1)}"`));
    },
  ],
  [
    'an attribute that stands twice',
    () => assert.throws(() => parseDirent('F{meta:M{xattrs:{"a":"","b":"","a":""}},block:LB{}}'), /stands twice/),
  ],
  ['Blocks within each other', () => assert.throws(() => parseTypedReference(`F{block:${'SubB{block:'.repeat(COUNT)}`), /./)],
  [
    'tags',
    () => {
      const tags = Array.from({ length: COUNT }, (_, i) => numbered(i, 't')).join(' ') as Octets;
      const line = lineWith(new Map([['tags', tags]]));
      checkDrop({ number: 1, whenNs: 1n, ...(line.notes === undefined ? {} : { notes: line.notes }) }, line, false);
    },
  ],
  [
    'notes of any name',
    () => assert.equal(lineWith(new Map(Array.from({ length: COUNT }, (_, i) => [numbered(i), '' as Octets]))).notes?.size, COUNT),
  ],
  [
    'states before one',
    () => {
      const line = lineWith(new Map([['after', ids(COUNT).join(' ') as Octets]]));
      assert.equal(statesBefore(line)?.length, COUNT);
      const merged = mergedNotes(times(3, { whenNs: 1n, dirent: EMPTY_ROOT, path: ROOT_PATH, after: ids(COUNT / 3) }));
      const graph = new StateGraph();
      const last = graph.add([line, line, line, lineWith(merged, 2n)], ROOT_PATH);
      assert.ok(last !== undefined && graph.upTo(last).size > COUNT);
    },
  ],
];

for (const [name, run] of cases)
  it(`a text of very many items is read in a time that grows with its length: ${name}`, () => {
    const startMs = performance.now();
    run();
    const ms = performance.now() - startMs;
    assert.ok(ms < MAX_MS, `it took ${Math.round(ms)} ms`);
  });
