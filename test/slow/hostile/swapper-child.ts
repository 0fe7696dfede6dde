import { existsSync, linkSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';

// Swaps a directory, a file and a FIFO of a folder for symlinks that lead out of it, and back, until standard input ends.

const [folder = '', secret = '', aside = ''] = process.argv.slice(2);
let isOver = false;
process.stdin.on('end', () => {
  isOver = true;
});
process.stdin.resume();

function swap(name: string): void {
  renameSync(`${folder}/${name}`, `${aside}/${name}`);
  symlinkSync(`${secret}/${name}`, `${folder}/${name}`);
  unlinkSync(`${folder}/${name}`);
  renameSync(`${aside}/${name}`, `${folder}/${name}`);
}

/** A file gives way to a FIFO, at which nobody may wait. */
function blockWay(name: string): void {
  renameSync(`${folder}/${name}`, `${aside}/${name}`);
  linkSync(`${aside}/fifo`, `${folder}/${name}`);
  unlinkSync(`${folder}/${name}`);
  renameSync(`${aside}/${name}`, `${folder}/${name}`);
}

/** Puts back what a swap left where something was made in its place meanwhile. */
function mend(name: string): void {
  rmSync(`${folder}/${name}`, { recursive: true, force: true });
  if (existsSync(`${aside}/${name}`)) renameSync(`${aside}/${name}`, `${folder}/${name}`);
}

process.stdout.write('ready\n');
let swaps = 0;
for (let count = 0; !isOver; count++) {
  for (const [name, act] of [
    ['d', swap],
    ['f', swap],
    ['f', blockWay],
  ] as const) {
    try {
      act(name);
      swaps++;
    } catch {
      try {
        mend(name);
      } catch {
        // it is written to at this moment: next time
      }
    }
  }
  if (count % 20 === 0) await turn();
}
process.stdout.write(`${swaps}\n`);
