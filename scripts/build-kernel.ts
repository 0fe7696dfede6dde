import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import wabt from 'wabt';
import { edgeKernelWat } from './edge-kernel-wat.ts';
import { PROJECT_ROOT } from './project-root.ts';

// Assembles the edge kernel into core/blockify/edge-kernel-wasm.ts. With --check it writes nothing and exits 1 if that
// file is not what it would write.

const TARGET = 'core/blockify/edge-kernel-wasm.ts';

async function kernelModule(): Promise<string> {
  const { parseWat } = await wabt();
  const module = parseWat('edge-kernel.wat', edgeKernelWat(), { simd: true, threads: true });
  const { buffer } = module.toBinary({});
  module.destroy();
  return `// Made by scripts/build-kernel.ts from scripts/edge-kernel-wat.ts: not to be edited.

/** The edge kernel as a WebAssembly module, in base64. */
export const EDGE_KERNEL_WASM =
  '${Buffer.from(buffer).toString('base64')}';
`;
}

const wanted = await kernelModule();
const path = join(PROJECT_ROOT, TARGET);
if (!process.argv.includes('--check')) writeFileSync(path, wanted);
else if (readFileSync(path, 'utf8') !== wanted) {
  process.stderr.write(`build-kernel: "${TARGET}" is not what scripts/edge-kernel-wat.ts gives: run node dist/scripts/build-kernel.js\n`);
  process.exitCode = 1;
}
