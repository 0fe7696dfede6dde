import { KeyStream } from './key-stream.ts';

// Natural-looking text: mail bodies of words weighted by Zipf's law, and lines of logs.

const MIB = 1 << 20;

/** Seconds since 1970 of the first message. */
export const EPOCH = 1_600_000_000;

const VOCABULARY_SIZE = 8192;
const SLOTS = 65_536;
const SECTION_SIZE = 65_536;
const LOG_LINES = 640;

const CONSONANTS = 'b c d f g h k l m n p r s t v w st tr ch'.split(' ');
const VOWELS = 'a e i o u ai ou er'.split(' ');
const PROGRAMS = ['httpd', 'cron', 'smtpd', 'kernel'] as const;
const EVENTS = ['GET /index.html', 'connection closed', 'accepted key', 'queue run', 'cache miss /img/logo.png'] as const;
const STATUSES = [200, 200, 200, 304, 404, 500] as const;

export class Prose {
  /** Words that serve as names. */
  readonly names: readonly string[];
  readonly #seed: number;
  /** A word with what comes after it, for each value of 16 bits. */
  readonly #table: readonly string[];

  constructor(seed: number) {
    this.#seed = seed;
    const stream = new KeyStream(seed, 'vocabulary');
    const syllables = CONSONANTS.flatMap((consonant) => VOWELS.map((vowel) => consonant + vowel));
    const words = Array.from({ length: VOCABULARY_SIZE }, (_, rank) => {
      const length = 1 + Math.floor((rank * 3) / VOCABULARY_SIZE) + stream.below(2);
      return Array.from({ length }, () => syllables[stream.below(syllables.length)]).join('');
    });
    const slots = words.flatMap((word, rank) => Array.from({ length: Math.max(1, Math.floor(7000 / (rank + 2))) }, () => word));
    const separators = [
      ...Array.from({ length: 80 }, () => ' '),
      ...Array.from({ length: 6 }, () => ', '),
      ...Array.from({ length: 5 }, () => '. '),
      ...Array.from({ length: 9 }, () => '\n'),
    ];
    this.#table = [...slots, ...slots].slice(0, SLOTS).map((word) => word + (separators[stream.below(100)] ?? ''));
    this.names = words.slice(600, 1112);
  }

  words(stream: KeyStream, count: number): string {
    let text = '';
    for (const value of stream.u16s(count)) text += this.#table[value];
    return text;
  }

  name(stream: KeyStream): string {
    return this.names[stream.below(this.names.length)] ?? '';
  }

  /** About 64 KiB of mail if `k` is even, else of log lines. */
  section(stream: KeyStream, k: number): string {
    return k % 2 === 0 ? this.mail(stream, k) : this.#log(stream, k);
  }

  /** About 64 KiB of mail, each message as in an mbox. */
  mail(stream: KeyStream, k: number): string {
    let time = EPOCH + k * 700;
    let text = '';
    while (text.length < SECTION_SIZE) {
      const from = this.name(stream);
      const to = this.name(stream);
      time += stream.below(90);
      const body = this.words(stream, stream.between(120, 900));
      const id = stream.read(12).toString('hex');
      const subject = this.words(stream, 5).replaceAll('\n', ' ');
      text += `From ${from}@${to}.example ${time}\nDate: ${time}\nFrom: ${from}@${to}.example\nMessage-Id: <${id}@${to}>\nSubject: ${subject}\n\n${body}\n\n`;
    }
    return text;
  }

  #log(stream: KeyStream, k: number): string {
    let time = EPOCH + k * 700;
    let text = '';
    const values = stream.u16s(4 * LOG_LINES);
    for (let i = 0; i < values.length; i += 4) {
      const [a = 0, b = 0, c = 0, d = 0] = values.subarray(i, i + 4);
      time += a % 3;
      text += `${time} host${a % 12} ${PROGRAMS[b % 4]}[${1000 + (b % 977)}]: ${EVENTS[c % 5]} from 10.${c >> 12}.${d >> 8}.${d & 255} status=${STATUSES[d % 6]} took=${a}us\n`;
    }
    return text;
  }

  /** The k-th MiB of the text; any of them can be made without those before it. */
  mib(k: number): Buffer {
    const stream = new KeyStream(this.#seed, 'text', k);
    let text = '';
    for (let j = 0; text.length < MIB; j++) text += this.section(stream, k * 16 + j);
    return Buffer.from(text.slice(0, MIB), 'latin1');
  }

  /** An endless text that no other label shares: gives its next octets. */
  reader(label: string): (size: number) => Buffer {
    const stream = new KeyStream(this.#seed, 'reader', label);
    let text = '';
    let at = 0;
    let k = 0;
    return (size) => {
      while (text.length - at < size) {
        text = text.slice(at) + this.section(stream, k++);
        at = 0;
      }
      at += size;
      return Buffer.from(text.slice(at - size, at), 'latin1');
    };
  }
}
