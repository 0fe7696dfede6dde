import { readFileSync } from 'node:fs';
import { nativeLibrary } from './libc.ts';
import type { NativeFunction } from './libc-native.ts';

// Machine code of our own, for the few loops that decide how fast everything is. V8 does the same with what it compiles:
// memory is written, then made executable and read-only. Nothing is ever both writable and executable.

// sys/mman.h of Linux.
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Bytes of /proc/cpuinfo that describe the first processor. */
const CPUINFO_SIZE = 8192;

/**
 * Makes a function of machine code that does not depend on where it is.
 *
 * @param types - of its parameters, as {@link NativeFunction}s have them
 * @returns undefined where the C library cannot be called, or the system does not allow code to be made
 */
export function nativeCode(code: Uint8Array, types: readonly string[]): NativeFunction | undefined {
  const library = nativeLibrary();
  const map = library?.bind('mmap', 'int64', ['int64', 'size_t', 'int', 'int', 'int', 'int64']);
  const protect = library?.bind('mprotect', 'int', ['int64', 'size_t', 'int']);
  const copy = library?.bind('memcpy', 'int64', ['int64', 'const void *', 'size_t']);
  const unmap = library?.bind('munmap', 'int', ['int64', 'size_t']);
  if (library === undefined || map === undefined || protect === undefined || copy === undefined || unmap === undefined) return undefined;
  const at = map(0, code.length, PROT_READ | PROT_WRITE, MAP_PRIVATE_ANONYMOUS, -1, 0);
  if (at === -1) return undefined;
  copy(at, code, code.length);
  if (protect(at, code.length, PROT_READ | PROT_EXEC) === 0) return library.at(at, types);
  unmap(at, code.length);
  return undefined;
}

let found: ReadonlySet<string> | undefined;

/** What this processor can do that not every x86-64 can, by the names that Linux gives; empty elsewhere. */
export function processorFlags(): ReadonlySet<string> {
  found ??= process.platform === 'linux' && process.arch === 'x64' ? readFlags() : new Set();
  return found;
}

function readFlags(): Set<string> {
  try {
    const text = readFileSync('/proc/cpuinfo', { encoding: 'latin1' }).slice(0, CPUINFO_SIZE);
    return new Set(/^flags\s*:(.*)$/m.exec(text)?.[1]?.trim().split(/\s+/));
  } catch {
    // Without /proc.
    return new Set();
  }
}
