import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { describe, it } from 'node:test';
import { GatheredFiles } from '../../../../fuse/live/write/gathered-files.ts';

/** Gathered numbers with a clock that stands still: `looks` lets it go on. */
class Gathering {
  requests = 0;
  isFull = false;
  readonly slices: (readonly number[])[] = [];
  readonly files = new GatheredFiles<number>({
    requests: () => this.requests,
    isFull: () => this.isFull,
    store: (files) => this.slices.push(files),
  });
  readonly #t: TestContext;

  constructor(t: TestContext) {
    this.#t = t;
    t.mock.timers.enable({ apis: ['setTimeout'] });
    t.after(() => this.files.end());
  }

  add(count: number): void {
    for (let i = 0; i < count; i++) this.files.add(i);
  }

  /** Lets some looks pass, with so many requests before each. */
  looks(count: number, requests: number): void {
    for (let i = 0; i < count; i++) {
      this.requests += requests;
      this.#t.mock.timers.tick(50);
    }
  }

  get sizes(): number[] {
    return this.slices.map(({ length }) => length);
  }
}

describe('small files that were closed', () => {
  it('are stored once clients ask for little for four looks, a slice after the other', (t) => {
    const gathering = new Gathering(t);
    gathering.add(300);
    gathering.looks(3, 5);
    assert.deepEqual(gathering.sizes, []);
    gathering.looks(1, 5);
    assert.deepEqual(gathering.sizes, [128]);
    gathering.files.stored();
    gathering.files.stored();
    gathering.files.stored();
    assert.deepEqual(gathering.sizes, [128, 128, 44]);
    assert.equal(gathering.files.size, 0);
  });

  it('wait while clients ask for much, and go on waiting between two slices', (t) => {
    const gathering = new Gathering(t);
    gathering.add(300);
    gathering.looks(20, 1000);
    assert.deepEqual(gathering.sizes, []);
    gathering.looks(3, 0);
    gathering.looks(1, 1000);
    assert.deepEqual(gathering.sizes, []);
    gathering.looks(4, 0);
    assert.deepEqual(gathering.sizes, [128]);
    gathering.requests += 1000;
    gathering.files.stored();
    assert.deepEqual(gathering.sizes, [128]);
    gathering.looks(4, 0);
    assert.deepEqual(gathering.sizes, [128, 128]);
  });

  it('are all stored in the end however much clients ask for', (t) => {
    const gathering = new Gathering(t);
    gathering.add(200);
    gathering.looks(200, 1000);
    assert.deepEqual(gathering.sizes, [128]);
    gathering.requests += 1000;
    gathering.files.stored();
    assert.deepEqual(gathering.sizes, [128, 72]);
    gathering.files.stored();
    // Those that come then may wait again.
    gathering.add(1);
    gathering.looks(199, 1000);
    assert.deepEqual(gathering.sizes, [128, 72]);
    gathering.looks(1, 1000);
    assert.deepEqual(gathering.sizes, [128, 72, 1]);
  });

  it('are stored where they are too many or take too much memory', (t) => {
    const gathering = new Gathering(t);
    gathering.add(2047);
    gathering.looks(5, 1000);
    assert.deepEqual(gathering.sizes, []);
    gathering.files.add(2047);
    assert.deepEqual(gathering.sizes, [128]);
    gathering.requests += 1000;
    gathering.files.stored();
    assert.deepEqual(gathering.sizes, [128]);
    gathering.isFull = true;
    gathering.looks(1, 1000);
    assert.deepEqual(gathering.sizes, [128, 128]);
  });

  it('are not stored once they are let go of', (t) => {
    const gathering = new Gathering(t);
    gathering.add(2);
    gathering.files.delete(0);
    gathering.looks(4, 0);
    assert.deepEqual(gathering.slices, [[1]]);
    gathering.files.stored();
    gathering.looks(5, 0);
    assert.deepEqual(gathering.slices, [[1]]);
  });
});
