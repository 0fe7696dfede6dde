import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';
import { PROJECT_ROOT } from '../project-root.ts';
import { assemble } from './assemble.ts';
import { edgeKernelWat } from './edge-kernel-wat.ts';
import { AVX2_KERNEL } from './keccak-avx2.ts';
import { AVX512_KERNEL } from './keccak-avx512.ts';
import { keccakKernelWat } from './keccak-kernel-wat.ts';
import { nativeKernel, scratchSize, type VectorKernel } from './native-kernel.ts';

// Assembles the kernels into modules of core. With --check it writes nothing, and exits with 1 if a module is out of date.
// Native kernels need GNU binutils; without them it leaves the modules as they are, and says so.

/** A module of core that contains kernels. */
interface KernelModule {
  readonly target: string;
  /** Its text; undefined if a program that makes it is not installed. */
  readonly make: () => Promise<string> | string | undefined;
}

const MODULES: readonly KernelModule[] = [
  {
    target: 'core/blockify/edge-kernel-wasm.ts',
    make: async () => await wasmModule('edge-kernel-wat.ts', edgeKernelWat(), 'EDGE_KERNEL_WASM', 'The edge kernel'),
  },
  {
    target: 'core/block/sha3/keccak-kernel-wasm.ts',
    make: async () => await wasmModule('keccak-kernel-wat.ts', keccakKernelWat(), 'KECCAK_KERNEL_WASM', 'The SHA-3-256 kernel'),
  },
  { target: 'core/block/sha3/keccak-avx512-code.ts', make: () => nativeModule('keccak-avx512.ts', AVX512_KERNEL, 'AVX512') },
  { target: 'core/block/sha3/keccak-avx2-code.ts', make: () => nativeModule('keccak-avx2.ts', AVX2_KERNEL, 'AVX2') },
];

function header(source: string): string {
  return `// Made by scripts/kernels/build-kernel.ts from scripts/kernels/${source}: not to be edited.\n`;
}

async function wasmModule(source: string, text: string, name: string, title: string): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat(source, text, { simd: true, threads: true, bulk_memory: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return `${header(source)}
/** ${title} as a WebAssembly module, in base64. */
export const ${name} =
  '${Buffer.from(buffer).toString('base64')}';
`;
}

function nativeModule(source: string, kernel: VectorKernel, name: string): string | undefined {
  const code = assemble(nativeKernel(kernel));
  if (code === undefined) return undefined;
  return `${header(source)}
import type { KeccakCode } from './keccak-code.ts';

/** The SHA-3-256 kernel for x86-64 with ${name}. */
export const KECCAK_${name}: KeccakCode = {
  sides: ${kernel.sides},
  scratchSize: ${scratchSize(kernel)},
  code: '${code.toString('base64')}',
};
`;
}

for (const { target, make } of MODULES) {
  const wanted = await make();
  const path = join(PROJECT_ROOT, target);
  if (wanted === undefined) process.stderr.write(`build-kernel: "${target}": left as it is, as GNU binutils are not installed\n`);
  else if (!process.argv.includes('--check')) writeFileSync(path, wanted);
  else if (readFileSync(path, 'utf8') !== wanted) {
    process.stderr.write(`build-kernel: "${target}" is not what its source gives: run node dist/scripts/kernels/build-kernel.js\n`);
    process.exitCode = 1;
  }
}
