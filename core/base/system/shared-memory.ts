/** Memory that threads share: a `WebAssembly.Memory`, in which kernels can work, or a plain buffer, where plain code does their work. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
}

const PAGE_SIZE = 64 * 1024;

/**
 * Memory for `size` bytes, rounded up to pages of 64 KiB. V8 reserves some 8 GiB of addresses for each `WebAssembly.Memory`,
 * however small. Under a limit of address space (`ulimit -v`) that fails, and a plain buffer is used.
 *
 * @throws {RangeError} where there is no memory of that size at all
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
