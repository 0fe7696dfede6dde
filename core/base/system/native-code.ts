import { readFileSync } from 'node:fs';
import { nativeLibrary } from './libc.ts';
import type { NativeFunction } from './libc-native.ts';

// Runs machine code of our own, for the few loops that decide the speed of the program. The code is written to memory, which then
// becomes executable and read-only, as V8 does. No memory is ever both writable and executable.

// sys/mman.h of Linux.
const PROT_READ = 1;
const PROT_WRITE = 2;
const PROT_EXEC = 4;
const MAP_PRIVATE_ANONYMOUS = 0x22;

/** Characters of /proc/cpuinfo that certainly include the first processor. */
const CPUINFO_SIZE = 8192;

/**
 * Makes a function from position-independent machine code.
 *
 * @param types - C types of its parameters
 * @returns undefined if the C library cannot be called, or the system refuses executable memory
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

/** The features of an x86-64 processor, by their names in Linux's /proc/cpuinfo; empty on other machines. */
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
