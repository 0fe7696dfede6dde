import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';
import { edgeKernelWat } from './edge-kernel-wat.ts';
import { keccakKernelWat } from './keccak-kernel-wat.ts';
import { PROJECT_ROOT } from './project-root.ts';

// Assembles the kernels into modules of core. With --check it writes nothing and exits 1 if one of these is not what it
// would write.

interface Kernel {
  readonly source: string;
  readonly wat: () => string;
  readonly target: string;
  /** What the constant is called, and what stands above it. */
  readonly name: string;
  readonly doc: string;
}

const KERNELS: readonly Kernel[] = [
  {
    source: 'scripts/edge-kernel-wat.ts',
    wat: edgeKernelWat,
    target: 'core/blockify/edge-kernel-wasm.ts',
    name: 'EDGE_KERNEL_WASM',
    doc: 'The edge kernel',
  },
  {
    source: 'scripts/keccak-kernel-wat.ts',
    wat: keccakKernelWat,
    target: 'core/block/keccak-kernel-wasm.ts',
    name: 'KECCAK_KERNEL_WASM',
    doc: 'The SHA-3-256 kernel',
  },
];

async function kernelModule({ source, wat, name, doc }: Kernel): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat(source, wat(), { simd: true, threads: true, bulk_memory: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return `// Made by scripts/build-kernel.ts from ${source}: not to be edited.

/** ${doc} as a WebAssembly module, in base64. */
export const ${name} =
  '${Buffer.from(buffer).toString('base64')}';
`;
}

for (const kernel of KERNELS) {
  const wanted = await kernelModule(kernel);
  const path = join(PROJECT_ROOT, kernel.target);
  if (!process.argv.includes('--check')) writeFileSync(path, wanted);
  else if (readFileSync(path, 'utf8') !== wanted) {
    process.stderr.write(`build-kernel: "${kernel.target}" is not what ${kernel.source} gives: run node dist/scripts/build-kernel.js\n`);
    process.exitCode = 1;
  }
}
