import { openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

// A child of the benchmark of tails: writes to files at a rate, and prints what it wrote when.

/** What is written. */
export interface Writing {
  readonly folder: string;
  /** Files, `0.log` and so on, each of which is written to alike. */
  readonly files: number;
  readonly kind: 'lines' | 'mails' | 'much';
  /** Lines, mails or MiB that each has before. */
  readonly before: number;
  /** Lines, mails or MiB a second and file. */
  readonly perSecond: number;
  readonly seconds: number;
}

/** What was written. */
export interface Written {
  /** Of all files. */
  readonly bytes: number;
  /** Of the first file: milliseconds since 1970, and its size from then on. */
  readonly samples: readonly (readonly [atMs: number, size: number])[];
}

const MIB = 1024 * 1024;

function logLine(file: number, i: number): string {
  return `2026-11-23T03:00:${i} host program[${file}]: request ${(i * 7919) % 1_000_003} took ${(i * (file + 1)) % 977} ms, and some more\n`;
}

/** Some 10 KB. */
function mail(i: number): string {
  const words = Array.from({ length: 1200 }, (_, k) => `word${((i + 1) * (k + 7) * 7919) % 9973}`);
  const lines = Array.from({ length: 100 }, (_, k) => words.slice(k * 12, k * 12 + 12).join(' '));
  return `From user${i}@example.org Mon Nov 23 03:00:00 2026\nFrom: user${i}@example.org\nSubject: mail ${i}\nMessage-ID: <${i}@example.org>\n\n${lines.join('\n')}\n\n`;
}

const muchLines = Buffer.alloc(MIB, Array.from({ length: 4096 }, (_, i) => logLine(i, i * 31)).join(''));

/** A MiB of a log, no two of which are the same anywhere. */
function much(i: number): Buffer {
  const salt = (i * 2_654_435).toString(36).padStart(7, '0').slice(-7);
  for (let at = 10; at + salt.length < muchLines.length; at += 97) muchLines.write(salt, at, 'latin1');
  return muchLines;
}

/** The `from`th to the `to`th of what is written to a file. */
export function written(kind: Writing['kind'], file: number, from: number, to: number): Buffer {
  if (kind === 'much') return Buffer.concat(Array.from({ length: to - from }, (_, k) => Buffer.from(much(from + k))));
  const make = kind === 'lines' ? (i: number) => logLine(file, i) : mail;
  return Buffer.from(Array.from({ length: to - from }, (_, k) => make(from + k)).join(''));
}

async function write({ folder, files, kind, before, perSecond, seconds }: Writing): Promise<Written> {
  const fds = Array.from({ length: files }, (_, i) => openSync(join(folder, `${i}.log`), 'a'));
  const samples: [number, number][] = [];
  const start = performance.now();
  let bytes = 0;
  let size = 0;
  for (let done = 0; performance.now() - start < seconds * 1000; ) {
    const due = Math.floor((perSecond * (performance.now() - start)) / 1000);
    if (due > done) {
      samples.push([performance.timeOrigin + performance.now(), size]);
      for (const [file, fd] of fds.entries()) {
        const count = writeSync(fd, written(kind, file, before + done, before + due));
        bytes += count;
        if (file === 0) size += count;
      }
      done = due;
    }
    await delay(5);
  }
  samples.push([performance.timeOrigin + performance.now(), size]);
  return { bytes, samples };
}

const [, script = '', writing] = process.argv;
if (writing !== undefined && /tail-writer\.js$/.test(script)) console.log(JSON.stringify(await write(JSON.parse(writing) as Writing)));
