import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { PROJECT_ROOT } from '../project.ts';

const FOLDER = join(PROJECT_ROOT, 'test/golden');

/** What the golden objects of ours and of the Python vt have under a key, at whatever depth. */
export function goldenObjects(key: 'hex' | 'text', pattern: RegExp): Buffer[] {
  const found = new Set<string>();
  const collect = (value: unknown, name: string): void => {
    if (typeof value === 'string') {
      if (name === key && pattern.test(value)) found.add(value);
    } else if (typeof value === 'object' && value !== null) for (const [inner, of] of Object.entries(value)) collect(of, inner);
  };
  for (const file of ['vtftp/objects.json', 'python-vt/objects.json']) collect(JSON.parse(readFileSync(join(FOLDER, file), 'utf8')), '');
  return [...found].map((text) => Buffer.from(text, key === 'hex' ? 'hex' : 'latin1'));
}

/** A golden file. */
export function goldenFile(path: string): Buffer {
  return readFileSync(join(FOLDER, path));
}

/** The lines of a golden file. */
export function goldenLines(path: string): Buffer[] {
  const lines = goldenFile(path).toString('latin1').split('\n');
  return lines.filter((line) => line !== '').map((line) => Buffer.from(line, 'latin1'));
}

/** Values of an arbitrary, encoded: always the same. */
export function samples<T>(arbitrary: fc.Arbitrary<T>, encode: (value: T) => Uint8Array | string | undefined, count = 60): Buffer[] {
  return fc
    .sample(arbitrary, { numRuns: count, seed: 20_261_122 })
    .map(encode)
    .filter((encoded) => encoded !== undefined)
    .map((encoded) => (typeof encoded === 'string' ? Buffer.from(encoded, 'latin1') : Buffer.from(encoded)));
}

/** Texts as octets. */
export function texts(...lines: readonly string[]): Buffer[] {
  return lines.map((line) => Buffer.from(line, 'utf8'));
}
