import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { exifThumbnail } from '../../../../core/http/picture/exif-thumbnail.ts';

const SMALL = Buffer.from('ffd8ffdb000401ff00d9', 'hex');
const JFIF = Buffer.from('ffe000104a46494600010100000100010000', 'hex');

/** A JPEG as cameras write it: by hand from Exif 2.32. The thumbnail stands behind both directories. */
function jpeg(isLittle: boolean, orientation: number, before = Buffer.alloc(0)): Buffer {
  const tiff = Buffer.alloc(8 + 2 + 12 + 4 + 2 + 24 + 4 + SMALL.length);
  const [u16, u32] = isLittle
    ? [tiff.writeUInt16LE.bind(tiff), tiff.writeUInt32LE.bind(tiff)]
    : [tiff.writeUInt16BE.bind(tiff), tiff.writeUInt32BE.bind(tiff)];
  tiff.write(isLittle ? 'II*\0' : 'MM\0*', 'latin1');
  u32(8, 4);
  let at = u16(1, 8);
  const entry = (tag: number, type: number, value: number): void => {
    at = u16(tag, at);
    at = u16(type, at);
    at = u32(1, at);
    if (type === 3) u16(value, at);
    else u32(value, at);
    at += 4;
  };
  entry(0x0112, 3, orientation);
  at = u32(at + 4, at);
  at = u16(2, at);
  entry(0x0201, 4, tiff.length - SMALL.length);
  entry(0x0202, 4, SMALL.length);
  u32(0, at);
  SMALL.copy(tiff, tiff.length - SMALL.length);
  const exif = Buffer.concat([Buffer.from('Exif\0\0'), tiff]);
  const head = Buffer.from([0xff, 0xe1, 0, exif.length + 2]);
  return Buffer.concat([Buffer.from('ffd8', 'hex'), before, head, exif, Buffer.from('ffda0002', 'hex')]);
}

for (const [name, isLittle] of [
  ['little', true],
  ['big', false],
] as const) {
  test(`the small picture of a camera is found, in ${name} endian`, () => {
    assert.deepEqual(exifThumbnail(jpeg(isLittle, 1)), SMALL);
    assert.deepEqual(exifThumbnail(jpeg(isLittle, 1, JFIF)), SMALL);
  });
}

test('a picture that is to be turned says so in its small form', () => {
  const turned = exifThumbnail(jpeg(true, 6));
  assert.ok(turned !== undefined);
  const head = 'ffd8ffe100224578696600004d4d002a000000080001011200030000000100060000' + '00000000';
  assert.equal(Buffer.from(turned).toString('hex'), head + SMALL.subarray(2).toString('hex'));
});

test('what is cut off, or is no JPEG, has none', () => {
  const whole = jpeg(false, 1);
  for (let size = 0; size < whole.length - 4; size++) assert.equal(exifThumbnail(whole.subarray(0, size)), undefined, String(size));
  assert.equal(exifThumbnail(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')), undefined);
});

test('whatever octets are changed, nothing outside is read and nothing is thrown', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(200), fc.nat(255)), { maxLength: 12 }), (changes) => {
      const data = jpeg(true, 1);
      for (const [at, value] of changes) data[at % data.length] = value;
      const found = exifThumbnail(data);
      return found === undefined || found.length <= data.length + 36;
    }),
    { numRuns: 2000 },
  );
});
