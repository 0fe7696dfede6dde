import assert from 'node:assert/strict';
import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** Bytes that are looked for, and written over. */
const SIZE = 12;

/**
 * Writes over 12 bytes of a stored content, in the data files of a datadir that does not compress. The place is found by the content: one
 * that is given as an offset may lie between two Blocks, in a record's header, which no reader of the content looks at.
 *
 * @param at - about where in the content: 12 bytes later, where a Block ends within these
 */
export function damageContent(store: string, content: Uint8Array, at: number): void {
  const folder = join(store, 'data');
  for (const start of [at, at + SIZE]) {
    const bytes = content.subarray(start, start + SIZE);
    for (const file of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.vtd'))) {
      const path = join(folder, file);
      const found = readFileSync(path).indexOf(bytes);
      if (found < 0) continue;
      const fd = openSync(path, 'r+');
      writeSync(fd, 'damaged here', found);
      closeSync(fd);
      return;
    }
  }
  assert.fail(`the content is not in ${store} at ${at}`);
}
