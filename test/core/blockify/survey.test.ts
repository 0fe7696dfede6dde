import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { blockTreeStats } from '../../../core/block/tree-stats.ts';
import { leavesOf } from '../../../core/block/tree-walk.ts';
import { storeContent } from '../../../core/blockify/store-content.ts';
import type { SurveyedLeaf } from '../../../core/blockify/survey.ts';
import { surveyContent } from '../../../core/blockify/survey.ts';
import { MemoryStore } from '../../../core/store/memory.ts';
import { contents } from '../../support/contents/contents.ts';

describe('a survey of a content', () => {
  it('counts the leaves that storing it makes, their sizes and what repeats, and stores nothing', async () => {
    await fc.assert(
      fc.asyncProperty(contents(200_000), async (content) => {
        const store = new MemoryStore();
        const leaves: SurveyedLeaf[] = [];
        const survey = await surveyContent([content], store.edges, { hashName: store.hashName, onLeaf: (leaf) => leaves.push(leaf) });
        assert.equal(store.counts().newBlocks, 0);
        const block = await storeContent(store, content);
        const stats = await blockTreeStats(store, block);
        assert.equal(survey.bytes, content.length);
        assert.equal(survey.runs, stats.runLeaves);
        assert.equal(survey.runBytes, stats.runBytes);
        assert.equal(survey.literals, stats.literalLeaves);
        assert.equal(survey.uniqueLeaves, stats.uniqueLeaves);
        assert.equal(survey.uniqueBytes, stats.uniqueBytes);
        assert.deepEqual(survey.histogram, stats.histogram);
        const stored: unknown[] = [];
        for await (const leaf of leavesOf(store, block)) {
          const digest = leaf.block.kind === 'hash' ? Buffer.from(leaf.block.hashcode.digest).toString('hex') : undefined;
          stored.push([leaf.start, leaf.size, leaf.block.kind, digest]);
        }
        const told = leaves.map(({ offset, size, kind, digest }) => [offset, size, kind, digest && Buffer.from(digest).toString('hex')]);
        assert.deepEqual(told, stored);
      }),
      { numRuns: 40 },
    );
  });
});
