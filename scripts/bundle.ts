import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';
import { PROJECT_ROOT } from './project-root.ts';

/**
 * Bundles the program into dist/bin: `vtftp.js`, the worker entries beside it, and the chunks they share. One file
 * in place of hundreds is what keeps `vtftp -c pwd` near the time Node itself takes to start.
 *
 * Workers are started by `new Worker(new URL('./ingest-worker.js', import.meta.url))`. All output lies flat in one
 * folder, so that this finds them from any chunk, as it does in the output of tsc, where they lie beside the caller.
 */

/** Output name, without `.js`, to source file. */
const ENTRIES: Readonly<Record<string, string>> = {
  vtftp: 'shell/main.ts',
  'ingest-worker': 'core/blockify/ingest-worker.ts',
  'export-worker': 'core/export/export-worker.ts',
  'read-worker': 'fuse/live/read-worker.ts',
  'check-worker': 'core/store/check-worker.ts',
};

/** Packages that stay outside: native code, and what most sessions never load. */
const EXTERNAL: readonly string[] = ['lmdb', 'koffi', '@napi-rs/blake-hash', '@node-rs/crc32', 'enquirer', 'fuse-native'];

async function bundle(): Promise<void> {
  const outdir = join(PROJECT_ROOT, 'dist/bin');
  const missing = Object.values(ENTRIES).filter((file) => !existsSync(join(PROJECT_ROOT, file)));
  if (missing.length > 0) throw new Error(`bundle: no such entry: ${missing.join(', ')}`);

  await mkdir(outdir, { recursive: true });
  const before = await readdir(outdir);
  // Each entry is built by itself: what the program shared with its workers would become chunks, and each costs it half a millisecond.
  const results = await Promise.all(
    Object.entries(ENTRIES).map(([name, file]) =>
      build({
        absWorkingDir: PROJECT_ROOT,
        entryPoints: { [name]: file },
        outdir,
        bundle: true,
        splitting: true,
        format: 'esm',
        platform: 'node',
        target: 'node20',
        external: [...EXTERNAL],
        sourcemap: true,
        sourcesContent: false,
        minifySyntax: true,
        minifyWhitespace: true,
        chunkNames: `${name}-[hash]`,
        metafile: true,
        logLevel: 'warning',
      }),
    ),
  );
  await chmod(join(outdir, 'vtftp.js'), 0o755);

  // Chunks of earlier builds; removed last, so that a running program finds its own as long as possible.
  const outputs = results.flatMap((result) => Object.keys(result.metafile.outputs));
  const made = new Set(outputs.map((file) => file.replace('dist/bin/', '')));
  await Promise.all(before.filter((name) => !made.has(name)).map((name) => rm(join(outdir, name), { recursive: true })));
}

await bundle().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
