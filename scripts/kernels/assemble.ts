import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Assembles a text in the syntax of GNU as. All code is in the section .text, and no address has to be relocated.
 *
 * @returns the machine code; undefined if GNU binutils are not installed
 * @throws {Error} if the text is wrong
 */
export function assemble(text: string): Buffer | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'vtftp-assemble-'));
  try {
    const [source, object, binary] = ['code.s', 'code.o', 'code.bin'].map((name) => join(folder, name)) as [string, string, string];
    writeFileSync(source, text);
    if (!ran('as', ['--64', '-o', object, source])) return undefined;
    if (ran('objdump', ['-r', object])?.includes('R_X86_64')) throw new Error('assemble: the code depends on where it lies');
    ran('objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
    return readFileSync(binary);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The output of a program, and a space; undefined if there is no such program. */
function ran(program: string, args: readonly string[]): string | undefined {
  const { error, status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (error !== undefined && 'code' in error && error.code === 'ENOENT') return undefined;
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`${program}: ${stderr}`);
  return `${stdout} `;
}
