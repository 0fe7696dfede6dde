import { createRequire } from 'node:module';
import { loadAddon } from '../addon-gate.ts';
import type { Octets } from '../octets.ts';
import type { DeviceNumber, FileTarget, LibcCalls } from './libc-calls.ts';
import type { NativeFunction, NativeLibrary } from './libc-native.ts';
import { nativeLibc } from './libc-native.ts';
import { plainLibc } from './libc-plain.ts';

// The only file that imports koffi, a foreign function interface. Loading takes 8 to 14 ms, so it happens at the first call. A call costs
// about 1 µs. The functions are looked up in the process itself, so no file name of a C library is needed.

let library: NativeLibrary | undefined;
let calls: LibcCalls | undefined;
let tried = false;

/** The C library of this process, or undefined if the foreign function interface cannot load. */
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
        // A thread must not be terminated while it makes a function, either.
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

/** The system calls that Node lacks, implemented with the C library if it can be loaded. */
export function libc(): LibcCalls {
  if (calls === undefined) {
    const found = nativeLibrary();
    calls = found === undefined ? plainLibc() : nativeLibc(found);
  }
  return calls;
}

/** What vtftp cannot do on this machine, as text for users; empty if the C library can be called. */
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
