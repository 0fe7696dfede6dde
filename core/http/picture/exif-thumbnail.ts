// The thumbnail that cameras put into a JPEG. @see Exif 2.32, 4.5 and 4.6.2; TIFF 6.0, section 2; JPEG, B.1.1

/** Bytes at the start of a JPEG that contain the thumbnail: a segment has at most 64 KiB, and few come before. */
export const EXIF_SIZE = 128 * 1024;

const APP1 = 0xe1;
const START_OF_SCAN = 0xda;
const EXIF_SIGNATURE = 'Exif\0\0';

const ORIENTATION = 0x0112;
const THUMBNAIL_OFFSET = 0x0201;
const THUMBNAIL_SIZE = 0x0202;
/** Entries of a directory that are read, at most, and bytes of each. */
const MAX_ENTRIES = 512;
const ENTRY_SIZE = 12;
/** Bytes of the TIFF header. */
const HEADER_SIZE = 8;

/**
 * The thumbnail in a JPEG, with the orientation of the large picture.
 *
 * @param start - the first {@link EXIF_SIZE} bytes, or all
 * @returns undefined if there is none, or the data is invalid
 */
export function exifThumbnail(start: Uint8Array): Uint8Array | undefined {
  const tiff = exifData(Buffer.from(start.buffer, start.byteOffset, start.byteLength));
  if (tiff === undefined || tiff.length < HEADER_SIZE) return undefined;
  const isLittle = tiff.toString('latin1', 0, 4) === 'II*\0';
  if (!isLittle && tiff.toString('latin1', 0, 4) !== 'MM\0*') return undefined;
  const whole = readDirectory(tiff, uint32(tiff, 4, isLittle), isLittle);
  const small = whole && readDirectory(tiff, whole.next, isLittle);
  const offset = small?.values.get(THUMBNAIL_OFFSET);
  const size = small?.values.get(THUMBNAIL_SIZE);
  if (whole === undefined || offset === undefined || size === undefined || offset + size > tiff.length) return undefined;
  const picture = tiff.subarray(offset, offset + size);
  if (picture.length < 4 || picture.readUInt16BE(0) !== 0xffd8) return undefined;
  return turned(picture, whole.values.get(ORIENTATION) ?? 1);
}

/** The TIFF data of the Exif segment. */
function exifData(jpeg: Buffer): Buffer | undefined {
  if (jpeg.length < 4 || jpeg.readUInt16BE(0) !== 0xffd8) return undefined;
  for (let at = 2; at + 4 <= jpeg.length; ) {
    const marker = jpeg.readUInt8(at + 1);
    const end = at + 2 + jpeg.readUInt16BE(at + 2);
    if (jpeg.readUInt8(at) !== 0xff || marker === START_OF_SCAN || end < at + 4) return undefined;
    if (marker === APP1 && jpeg.toString('latin1', at + 4, at + 10) === EXIF_SIGNATURE && end <= jpeg.length)
      return jpeg.subarray(at + 10, end);
    at = end;
  }
  return undefined;
}

interface Directory {
  /** Values by tag: those that are a single number of 16 or 32 bits. */
  readonly values: ReadonlyMap<number, number>;
  /** Offset of the next directory; 0 for none. */
  readonly next: number;
}

function readDirectory(tiff: Buffer, offset: number, isLittle: boolean): Directory | undefined {
  if (offset < HEADER_SIZE || offset + 2 > tiff.length) return undefined;
  const count = uint16(tiff, offset, isLittle);
  const end = offset + 2 + count * ENTRY_SIZE;
  if (count > MAX_ENTRIES || end + 4 > tiff.length) return undefined;
  const values = new Map<number, number>();
  for (let at = offset + 2; at < end; at += ENTRY_SIZE) {
    const type = uint16(tiff, at + 2, isLittle);
    if (uint32(tiff, at + 4, isLittle) !== 1 || (type !== 3 && type !== 4)) continue;
    values.set(uint16(tiff, at, isLittle), type === 3 ? uint16(tiff, at + 8, isLittle) : uint32(tiff, at + 8, isLittle));
  }
  return { values, next: uint32(tiff, end, isLittle) };
}

function uint16(data: Buffer, offset: number, isLittle: boolean): number {
  return isLittle ? data.readUInt16LE(offset) : data.readUInt16BE(offset);
}

function uint32(data: Buffer, offset: number, isLittle: boolean): number {
  return isLittle ? data.readUInt32LE(offset) : data.readUInt32BE(offset);
}

/** Adds a segment with an orientation, 2 to 8, to a JPEG; 1 means unrotated and adds none. */
function turned(jpeg: Buffer, orientation: number): Buffer {
  if (!(orientation >= 2 && orientation <= 8)) return Buffer.from(jpeg);
  const segment = Buffer.from('ffd8ffe10022457869660000' + '4d4d002a00000008' + '00010112000300000001' + '0000000000000000', 'hex');
  segment.writeUInt16BE(orientation, segment.length - 8);
  return Buffer.concat([segment, jpeg.subarray(2)]);
}
