import assert from 'node:assert/strict';
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { encodeBsuint } from '../../../core/base/bsuint.ts';
import { CopyBuffer } from '../../../core/base/copy-buffer.ts';
import { ParseError } from '../../../core/base/errors.ts';
import { copyBufferOfBlock } from '../../../core/block/block-buffer.ts';
import { leafBlock } from '../../../core/block/block-sink.ts';
import { BlockTreeBuilder } from '../../../core/block/tree-builder.ts';
import { makeScratch } from '../../support/scratch.ts';
import { MapSource } from '../../support/stores/map-source.ts';

const TEXT = 'The quick brown fox jumps over the lazy dög. '.repeat(40);
const BYTES = Buffer.from(TEXT, 'utf8');

function split(data: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(data.length / size) }, (_, i) => data.subarray(i * size, i * size + size));
}

async function* later(pieces: Iterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  for (const piece of pieces) {
    await Promise.resolve();
    yield piece;
  }
}

function ofBlocks(): CopyBuffer {
  const source = new MapSource();
  const builder = new BlockTreeBuilder(source);
  for (const piece of split(BYTES, 100)) builder.add(leafBlock(source, piece));
  return copyBufferOfBlock(source, builder.finish());
}

const SOURCES: readonly { what: string; open: () => CopyBuffer }[] = [
  { what: 'bytes', open: () => CopyBuffer.of(BYTES) },
  { what: 'a text', open: () => CopyBuffer.of(TEXT) },
  { what: 'an array of pieces', open: () => CopyBuffer.of(split(BYTES, 7)) },
  { what: 'a Set of pieces', open: () => CopyBuffer.of(new Set(split(BYTES, 64))) },
  { what: 'an async generator', open: () => CopyBuffer.of(later(split(BYTES, 33))) },
  { what: 'a stream', open: () => CopyBuffer.of(Readable.from(split(BYTES, 50), { objectMode: false })) },
  {
    what: 'pieces of which some are empty',
    open: () => CopyBuffer.of([new Uint8Array(0), BYTES.subarray(0, 1), new Uint8Array(0), BYTES.subarray(1)]),
  },
  { what: 'a Block tree', open: ofBlocks },
];

describe('the copy buffer', () => {
  for (const { what, open } of SOURCES) {
    it(`reads from ${what}`, async () => {
      const buffer = open();
      assert.equal(Buffer.from(await buffer.take(9)).toString(), 'The quick');
      assert.equal(buffer.offset, 9);
      assert.equal(await buffer.octet(), 0x20);
      await buffer.skip(500);
      assert.deepEqual(Buffer.from(await buffer.take(100)), BYTES.subarray(510, 610));
      assert.equal(await buffer.atEnd(), false);
      assert.deepEqual(Buffer.from(await buffer.rest()), BYTES.subarray(610));
      assert.equal(await buffer.atEnd(), true);
      assert.equal(buffer.offset, BYTES.length);
      await assert.rejects(buffer.take(1), ParseError);
    });
  }

  it('reads from an open file by position, whatever its own position, or a range of it', async (t) => {
    const path = makeScratch(t).path('file');
    writeFileSync(path, BYTES);
    const fd = openSync(path, 'r');
    t.after(() => closeSync(fd));
    assert.deepEqual(Buffer.from(await CopyBuffer.ofFile(fd, { chunkSize: 100 }).rest()), BYTES);
    const range = CopyBuffer.ofFile(fd, { start: 10, end: 500, chunkSize: 64 });
    assert.equal(range.offset, 10);
    assert.deepEqual(Buffer.from(await range.rest()), BYTES.subarray(10, 500));
    assert.equal(range.offset, 500);
  });

  it('what lies in one piece is a view of it, and only what straddles two is copied', async () => {
    const pieces = split(new Uint8Array(BYTES), 100);
    const buffer = CopyBuffer.of(pieces);
    const within = await buffer.take(60);
    assert.equal(within.buffer, pieces[0]?.buffer);
    assert.equal(within.byteOffset, pieces[0]?.byteOffset);
    const straddling = await buffer.take(60);
    assert.notEqual(straddling.buffer, pieces[0]?.buffer);
    assert.deepEqual(Buffer.from(straddling), BYTES.subarray(60, 120));
    const after = await buffer.take(80);
    assert.equal(after.buffer, pieces[1]?.buffer);
    for await (const piece of buffer.pieces(250)) assert.equal(piece.buffer, pieces[2]?.buffer);
    assert.equal(buffer.offset, 450);
  });

  it('takes of any sizes from pieces of any sizes give the bytes in order', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 40 })), fc.array(fc.nat({ max: 60 })), async (pieces, sizes) => {
        const whole = Buffer.concat(pieces);
        const buffer = CopyBuffer.of(later(pieces));
        let offset = 0;
        for (const size of sizes) {
          if (offset + size > whole.length) {
            await assert.rejects(buffer.take(size), ParseError);
            break;
          }
          assert.deepEqual(Buffer.from(await buffer.take(size)), whole.subarray(offset, offset + size));
          offset += size;
        }
        const rest: Uint8Array[] = [];
        for await (const piece of buffer.pieces()) rest.push(piece);
        assert.deepEqual(Buffer.concat(rest), whole.subarray(offset));
      }),
    );
  });

  it('varints and length-prefixed data decode over the bounds of pieces, and are refused cut short at any length', async () => {
    await fc.assert(
      fc.asyncProperty(fc.maxSafeNat(), fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 1, max: 9 }), async (number, data, size) => {
        const encoded = Buffer.concat([encodeBsuint(number), encodeBsuint(data.length), data]);
        const buffer = CopyBuffer.of(split(encoded, size));
        assert.equal(await buffer.bsuint(), number);
        assert.deepEqual(Buffer.from(await buffer.bsdata()), Buffer.from(data));
        assert.equal(await buffer.atEnd(), true);
        for (let length = 0; length < encoded.length; length += 1 + (length >> 3)) {
          const short = CopyBuffer.of(split(encoded.subarray(0, length), size));
          await assert.rejects(async () => {
            await short.bsuint();
            await short.bsdata();
          }, ParseError);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('a length beyond what is accepted is refused before anything is gathered', async () => {
    const endless = (function* (): Generator<Uint8Array> {
      yield encodeBsuint(2 ** 50);
      for (;;) yield new Uint8Array(1000);
    })();
    await assert.rejects(CopyBuffer.of(endless).bsdata(), ParseError);
    await assert.rejects(CopyBuffer.of([new Uint8Array(40).fill(0xff)]).bsuint(), ParseError);
    await assert.rejects(CopyBuffer.of([new Uint8Array(11)]).rest(10), ParseError);
    assert.throws(() => CopyBuffer.of('abc').consume(1), RangeError);
  });

  it('a source that fails passes its error on, and one not read to its end is told', async () => {
    const failure = new Error('the source broke');
    const failing = (async function* (): AsyncGenerator<Uint8Array> {
      yield Buffer.from('ab');
      throw failure;
    })();
    const buffer = CopyBuffer.of(failing);
    assert.equal(Buffer.from(await buffer.take(2)).toString(), 'ab');
    await assert.rejects(buffer.take(1), failure);

    let closed = false;
    const watched = (async function* (): AsyncGenerator<Uint8Array> {
      try {
        yield Buffer.from('ab');
        yield Buffer.from('cd');
      } finally {
        closed = true;
      }
    })();
    {
      await using partly = CopyBuffer.of(watched);
      await partly.take(1);
    }
    assert.equal(closed, true);
  });
});
