import { existsSync } from 'node:fs';
import { chmod, mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { OutputOptions, Plugin, RolldownOutput } from 'rolldown';
import { rolldown } from 'rolldown';
import { PROJECT_ROOT } from './project-root.ts';

/**
 * Bundles the program into dist/bin: `vtftp.js`, the worker entries beside it, and chunks. What every session needs comes in one chunk
 * and what one command needs in others: `vtftp -c pwd` loads five files in place of 236, and stays near the time that Node itself takes to start.
 *
 * Workers are started by `new Worker(new URL('./ingest-worker.js', import.meta.url))`. All output lies flat in one
 * folder, so that this finds them from any chunk, as it does in the output of tsc, where they lie beside the caller.
 */

const PROGRAM_ENTRY = 'shell/main.ts';

/** Output name, without `.js`, to source file. */
const WORKERS: Readonly<Record<string, string>> = {
  'ingest-worker': 'core/blockify/ingest/ingest-worker.ts',
  'export-worker': 'core/export/export-worker.ts',
  'read-worker': 'fuse/live/read-worker.ts',
  'check-worker': 'core/store/records/check-worker.ts',
  'rehash-worker': 'core/transition/rehash-worker.ts',
};

/** Loaded by the entry in nearly every session: these, with all that they import, make one chunk. */
const EVERY_SESSION = ['shell/run.ts', 'core/openers/open-datadir.ts'];

/** Packages that stay outside: native code, and what most sessions never load. */
const EXTERNAL: readonly string[] = ['koffi', '@napi-rs/blake-hash', '@node-rs/crc32', 'enquirer', 'fuse-native'];

const OUT_FOLDER = join(PROJECT_ROOT, 'dist/bin');

/** Finds out what roots import, directly or not, once all modules are known. */
function importsOf(roots: readonly string[]): { readonly plugin: Plugin; readonly modules: ReadonlySet<string> } {
  const modules = new Set<string>();
  const plugin: Plugin = {
    name: 'imports-of',
    buildEnd() {
      const visit = (id: string): void => {
        const info = this.getModuleInfo(id);
        if (modules.has(id) || info === null || EXTERNAL.includes(id)) return;
        modules.add(id);
        info.importedIds.forEach(visit);
      };
      for (const root of roots) visit(join(PROJECT_ROOT, root));
    },
  };
  return { plugin, modules };
}

async function bundle(name: string, file: string, plugins: readonly Plugin[], options: OutputOptions): Promise<RolldownOutput> {
  const build = await rolldown({
    cwd: PROJECT_ROOT,
    input: { [name]: file },
    platform: 'node',
    external: [...EXTERNAL],
    transform: { target: 'node20' },
    preserveEntrySignatures: 'allow-extension',
    plugins: [...plugins],
    onLog(level, log, print) {
      // Imports are written as dynamic where their own module is seldom needed, whatever else imports the same.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') print(level, log);
    },
  });
  return await build.write({
    dir: OUT_FOLDER,
    format: 'esm',
    sourcemap: true,
    sourcemapExcludeSources: true,
    minify: { compress: true, mangle: false, codegen: true },
    entryFileNames: '[name].js',
    chunkFileNames: `${name}-[hash].js`,
    ...options,
  });
}

/** The program. The entry awaits what it imports dynamically: nothing that it imports statically may wait for the entry. */
async function bundleProgram(): Promise<RolldownOutput> {
  const entry = importsOf([PROGRAM_ENTRY]);
  const session = importsOf(EVERY_SESSION);
  const isEntry = (id: string): boolean => id === join(PROJECT_ROOT, PROGRAM_ENTRY);
  const groups = [
    { name: 'entry', test: (id: string) => entry.modules.has(id) && !isEntry(id) },
    { name: 'session', test: (id: string) => session.modules.has(id) && !entry.modules.has(id) },
  ];
  return await bundle('vtftp', PROGRAM_ENTRY, [entry.plugin, session.plugin], {
    codeSplitting: { includeDependenciesRecursively: false, groups },
  });
}

async function bundleAll(): Promise<void> {
  const missing = [PROGRAM_ENTRY, ...EVERY_SESSION, ...Object.values(WORKERS)].filter((file) => !existsSync(join(PROJECT_ROOT, file)));
  if (missing.length > 0) throw new Error(`bundle: no such entry: ${missing.join(', ')}`);

  await mkdir(OUT_FOLDER, { recursive: true });
  const before = await readdir(OUT_FOLDER);
  // Each entry is built by itself: what the program shared with its workers would become chunks, and each costs it half a millisecond.
  const workers = Object.entries(WORKERS).map(([name, file]) => bundle(name, file, [], {}));
  const results = await Promise.all([bundleProgram(), ...workers]);
  await chmod(join(OUT_FOLDER, 'vtftp.js'), 0o755);

  // Chunks of earlier builds; removed last, so that a running program finds its own as long as possible.
  const made = new Set(results.flatMap(({ output }) => output.map(({ fileName }) => fileName)));
  await Promise.all(before.filter((name) => !made.has(name)).map((name) => rm(join(OUT_FOLDER, name), { recursive: true })));
}

await bundleAll().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
