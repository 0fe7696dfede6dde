import { createRequire } from 'node:module';
import { loadAddon } from '../addon-gate.ts';
import type { Octets } from '../octets.ts';
import type { DeviceNumber, FileTarget, LibcCalls } from './libc-calls.ts';
import type { NativeFunction, NativeLibrary } from './libc-native.ts';
import { nativeLibc } from './libc-native.ts';
import { plainLibc } from './libc-plain.ts';

// The only file that imports koffi, the packaged foreign function interface. Loading it takes 8 to 14 ms, so that
// happens at the first call; a call costs about 1 µs. The functions are those of the C library in this very process,
// so glibc, musl and macOS need no file names.

let library: NativeLibrary | undefined;
let calls: LibcCalls | undefined;
let tried = false;

/** The C library of this process, or undefined where the foreign function interface cannot load. */
export function nativeLibrary(): NativeLibrary | undefined {
  if (!tried) {
    tried = true;
    library = loadLibrary();
  }
  return library;
}

function loadLibrary(): NativeLibrary | undefined {
  if (process.platform === 'win32') return undefined;
  try {
    return loadAddon(() => {
      const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi');
      const handle = koffi.load(null);
      return {
        // Making a function is as delicate as loading.
        bind(name, result, parameters) {
          try {
            return loadAddon(() => handle.func(name, result, [...parameters]) as unknown as NativeFunction);
          } catch {
            return undefined;
          }
        },
        at: (address, parameters) => loadAddon(() => koffi.decode(BigInt(address), koffi.proto('void', [...parameters])) as NativeFunction),
        errno: () => koffi.errno(),
      };
    });
  } catch {
    return undefined;
  }
}

/** The system calls that Node lacks, by the best means at hand. */
export function libc(): LibcCalls {
  if (calls === undefined) {
    const found = nativeLibrary();
    calls = found === undefined ? plainLibc() : nativeLibc(found);
  }
  return calls;
}

/** What is lost on this machine, for people; empty where the C library can be called. */
export function libcLosses(): readonly string[] {
  return libc().losses;
}

/** See {@link LibcCalls.flock}. */
export function flock(fd: number, operation: 'exclusive' | 'shared' | 'unlock', nonBlocking: boolean): boolean {
  return libc().flock(fd, operation, nonBlocking);
}

/** See {@link LibcCalls.utimensNs}. */
export function utimensNs(target: FileTarget, atimeNs: bigint | undefined, mtimeNs: bigint | undefined, followSymlink: boolean): void {
  libc().utimensNs(target, atimeNs, mtimeNs, followSymlink);
}

/** See {@link LibcCalls.listXattrs}. */
export function listXattrs(target: FileTarget): Octets[] {
  return libc().listXattrs(target);
}

/** See {@link LibcCalls.getXattr}. */
export function getXattr(target: FileTarget, name: Octets): Buffer | undefined {
  return libc().getXattr(target, name);
}

/** See {@link LibcCalls.setXattr}. */
export function setXattr(target: FileTarget, name: Octets, value: Uint8Array): void {
  libc().setXattr(target, name, value);
}

/** See {@link LibcCalls.removeXattr}. */
export function removeXattr(target: FileTarget, name: Octets): void {
  libc().removeXattr(target, name);
}

/** See {@link LibcCalls.seekData}. */
export function seekData(fd: number, offset: number): number | undefined {
  return libc().seekData(fd, offset);
}

/** See {@link LibcCalls.seekHole}. */
export function seekHole(fd: number, offset: number): number | undefined {
  return libc().seekHole(fd, offset);
}

/** See {@link LibcCalls.fileTimeNs}. */
export function fileTimeNs(): bigint {
  return libc().fileTimeNs();
}

/** See {@link LibcCalls.makeNode}. */
export function makeNode(path: Uint8Array, mode: number, device: DeviceNumber): void {
  libc().makeNode(path, mode, device);
}
