import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { openArchiveFile } from '../../../core/archive/archive-file.ts';
import { linesOf } from '../../../core/archive/lines-up-to.ts';
import { contentId, mergedNotes, mergedStates, parentNote, statedParent, stateId, statesBefore } from '../../../core/history/ancestry.ts';
import { PROJECT_ROOT } from '../../support/project.ts';

// Ids and notes by an encoder that is not ours.
const [ONE, TWO, OTHER, BARE] = [
  'f26dc5561b8a3fa61a10fda242ecd0f5',
  'f325b0cdb5548e1ead675cc45f9dadd0',
  '8e9bfe69c29ff2f4485aebda7dbad980',
  'abf2d8ebc7af6bc96265015b51a6fb41',
] as const;

it('the notes of parents are read, and written again as they are', async () => {
  const lines = await linesOf(openArchiveFile(join(PROJECT_ROOT, 'test/golden/vtftp/archive-parents.vt'), { readOnly: true }));
  const [one, two, elsewhere, apart] = lines;
  assert.ok(one !== undefined && two !== undefined && elsewhere !== undefined && apart !== undefined);
  assert.deepEqual([stateId(one), stateId(two)], [ONE, TWO]);
  const [other, bare] = mergedStates(two);
  assert.ok(other?.whenNs !== undefined && bare !== undefined);
  assert.equal(stateId({ whenNs: other.whenNs, dirent: other.dirent }), OTHER);
  assert.equal(contentId(bare.dirent), BARE);
  assert.deepEqual([other.path, other.after, bare.whenNs, bare.path, bare.after], ['/', [ONE], undefined, '/a b', []]);
  assert.deepEqual(mergedNotes([other, bare]), two.notes);
  assert.deepEqual(statesBefore(elsewhere), [TWO, OTHER]);
  assert.deepEqual([statesBefore(two), statedParent(two)], [undefined, undefined]);
  assert.equal(statedParent(apart), ONE);
  assert.deepEqual(parentNote(one), apart.notes);
  assert.deepEqual(mergedStates({ notes: new Map([['merged', 'of a later version']]) as never }), [], 'what cannot be read tells nothing');
});
