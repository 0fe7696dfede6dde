import type { Random } from '../random.ts';

/** Numbers and signs that decoders stumble over. */
const INTERESTING: readonly Buffer[] = [
  ...['0', '1', '-1', '65536', '4294967295', '4294967296', '9007199254740991', '9007199254740992', '18446744073709551616', '1e400', '0x'],
  ...[
    '{',
    '}',
    '[',
    ']',
    '(',
    ')',
    '"',
    "'",
    '\\',
    '%',
    '\0',
    '\n',
    '\r\n',
    '\t',
    ' ',
    ':',
    ',',
    ';',
    '=',
    '|',
    '&',
    '*',
    '?',
    '/',
    '..',
    '~',
  ],
  ...[
    '\xff',
    '\x80',
    '\x7f',
    '\xff\xff\xff\xff',
    '\x7f\xff\xff\xff',
    '\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80',
    '\x8f\xff\xff\xff\xff\xff\xff\x7f',
  ],
  ...['__proto__', 'constructor', 'é☃', '\ud83d\ude00'],
].map((text) => Buffer.from(text, /[^\0-\xff]/.test(text) ? 'utf8' : 'latin1'));

/** The words of a grammar: those that are told, and those that its seeds show. */
export function dictionary(seeds: readonly Buffer[], tokens: readonly string[]): Buffer[] {
  const words = new Set(tokens);
  for (const seed of seeds.slice(0, 200)) {
    for (const [word] of seed.toString('latin1', 0, 4096).matchAll(/[A-Za-z_][\w-]{0,15}[:={(]?|\d{1,9}/g)) words.add(word);
  }
  return [...INTERESTING, ...[...words].slice(0, 2000).map((word) => Buffer.from(word, 'latin1'))];
}

/** Damages an input in one to eight places, joins two, or makes one of words alone. */
export function mutate(random: Random, corpus: readonly Buffer[], words: readonly Buffer[], maxSize: number): Buffer {
  const pick = (from: readonly Buffer[]): Buffer => from[random.below(from.length)] ?? Buffer.alloc(0);
  const style = random.below(40);
  if (style === 0) return random.bytes(random.below(2000));
  if (style <= 3) return Buffer.concat(Array.from({ length: 1 + random.below(60) }, () => pick(words))).subarray(0, maxSize);
  let data = Buffer.from(pick(corpus));
  if (style === 4) data = Buffer.concat([data.subarray(0, random.below(data.length + 1)), tail(pick(corpus), random)]);
  for (let changes = 1 + random.below(random.pick([1, 2, 8])); changes > 0; changes--) data = change(data, random, pick(words), maxSize);
  return data.length > maxSize ? data.subarray(0, maxSize) : data;
}

function tail(data: Buffer, random: Random): Buffer {
  return data.subarray(random.below(data.length + 1));
}

function change(data: Buffer, random: Random, word: Buffer, maxSize: number): Buffer<ArrayBuffer> {
  const at = random.below(data.length + 1);
  const size = 1 + random.below(random.pick([4, 40, 400]));
  const before = data.subarray(0, at);
  switch (random.below(10)) {
    case 0:
      return Buffer.concat([before, word, data.subarray(at)]);
    case 1:
      return Buffer.concat([before, word, data.subarray(at + word.length)]);
    case 2:
      return Buffer.concat([before, data.subarray(at + size)]);
    case 3:
      return Buffer.from(random.chance(20) ? before : data.subarray(0, Math.max(0, data.length - size)));
    case 4:
      return Buffer.concat([before, random.bytes(1 + random.below(8)), data.subarray(at)]);
    case 5: {
      const from = random.below(data.length + 1);
      return Buffer.concat([before, data.subarray(from, from + size), data.subarray(at)]);
    }
    case 6:
      return repeated(data, random, at, random.chance(50) ? word : data.subarray(at, at + size), maxSize);
    case 7: {
      const out = Buffer.from(data);
      for (let i = at; i < Math.min(at + size, out.length); i++) out[i] = random.pick([0, 0xff, 0x80, 0x20]);
      return out;
    }
    default: {
      const out = Buffer.from(data);
      const octet = out[at];
      if (octet !== undefined) out[at] = random.chance(50) ? octet ^ (1 << random.below(8)) : octet + random.pick([1, -1, 16, 127]);
      return out;
    }
  }
}

/** A part again and again: depth, and what takes time in the square of the length. */
function repeated(data: Buffer, random: Random, at: number, part: Buffer, maxSize: number): Buffer<ArrayBuffer> {
  const room = Math.max(0, maxSize - data.length);
  const count = part.length === 0 ? 0 : Math.min(Math.floor(room / part.length), random.pick([3, 40, 40, 1000, maxSize]));
  const many = Buffer.alloc(count * part.length, part);
  return Buffer.concat([data.subarray(0, at), many, data.subarray(at)]);
}
