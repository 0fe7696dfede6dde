import { KERNEL_SCRATCH_SIZE } from '../../../core/blockify/edge-kernel.ts';

const PAGE_SIZE = 65536;

/** Memory for an edge kernel: its scratch, a page before the content, room for the content, and not an octet more. */
export function kernelMemory(size: number): { memory: WebAssembly.Memory; octets: Uint8Array; at: number } {
  const at = KERNEL_SCRATCH_SIZE + PAGE_SIZE;
  const pages = Math.ceil((at + size) / PAGE_SIZE);
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  const octets = new Uint8Array(memory.buffer);
  // The content ends with the memory: whoever reads past it traps.
  return { memory, octets, at: octets.length - size };
}
