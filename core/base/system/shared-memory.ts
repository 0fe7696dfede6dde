/** Memory that threads share: a `WebAssembly.Memory` for the WASM kernels, or a plain buffer for the JavaScript code that replaces them. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

const PAGE_SIZE = 64 * 1024;

/**
 * Allocates `size` bytes, rounded up to pages of 64 KiB. V8 reserves some 8 GiB of addresses for each `WebAssembly.Memory`, however
 * small. Under a limit of address space (`ulimit -v`) that may fail; then a plain buffer is used.
 *
 * @throws {RangeError} if a plain buffer cannot be allocated either
 */
export function sharedMemory(size: number): SharedMemory {
  const pages = Math.ceil(size / PAGE_SIZE);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return { buffer: new SharedArrayBuffer(pages * PAGE_SIZE) };
  }
}
