import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { OutputOptions, Plugin, RolldownOutput } from 'rolldown';
import { rolldown } from 'rolldown';
import { COMPILED_SUFFIX, startProgram } from './program-start.ts';
import { PROJECT_ROOT } from './project-root.ts';

/**
 * Bundles the program into dist/bin: `vtftp.js`, the worker entries beside it, and chunks. One chunk has all that every session
 * needs; V8's compiled code for it is stored too. The other chunks have what single commands need. So `vtftp -c pwd` takes little more
 * time than Node itself takes to start. The output is CommonJS: Node's loader of ES modules accepts no compiled code, and takes 4 ms.
 *
 * Workers are started by `new Worker(new URL('./ingest-worker.js', import.meta.url))`. All output is in one folder, so that any chunk
 * finds them. In the output of tsc they are beside their caller.
 */

const PROGRAM_ENTRY = 'shell/main.ts';

/** Source files by output name, without `.js`. */
const WORKERS: Readonly<Record<string, string>> = {
  'ingest-worker': 'core/blockify/ingest/ingest-worker.ts',
  'export-worker': 'core/export/export-worker.ts',
  'read-worker': 'fuse/live/read/read-worker.ts',
  'check-worker': 'core/store/records/check-worker.ts',
  'rehash-worker': 'core/transition/rehash-worker.ts',
  'sweep-worker': 'core/transition/sweep-worker.ts',
};

/** Nearly every session loads these. They make one chunk, with all that they import. */
const EVERY_SESSION = ['shell/run.ts', 'core/openers/open-datadir.ts'];

/** Packages that are not bundled: native code, and packages that most sessions never load. */
const EXTERNAL: readonly string[] = ['koffi', '@napi-rs/blake-hash', '@node-rs/crc32', '@bokuweb/zstd-wasm', 'enquirer', 'fuse-native'];

const OUT_FOLDER = join(PROJECT_ROOT, 'dist/bin');

/** Finds all modules that roots import, directly or not, once all modules are known. */
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

/** Escapes all letters beyond ASCII: V8 reads the result eight times as fast. */
const ASCII_ONLY: Plugin = {
  name: 'ascii-only',
  generateBundle(_, output) {
    for (const file of Object.values(output)) if (file.type === 'chunk') file.code = file.code.replace(/[\u0080-\uffff]/g, escaped);
  },
};

function escaped(letter: string): string {
  return `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

async function bundle(name: string, file: string, plugins: readonly Plugin[], options: OutputOptions): Promise<RolldownOutput> {
  const build = await rolldown({
    cwd: PROJECT_ROOT,
    input: { [name]: file },
    platform: 'node',
    external: [...EXTERNAL],
    transform: { target: 'node20' },
    preserveEntrySignatures: 'allow-extension',
    plugins: [...plugins, ASCII_ONLY],
    onLog(level, log, print) {
      // A source imports a module dynamically where it seldom needs it, even if other sources import the same statically.
      if (log.code !== 'INEFFECTIVE_DYNAMIC_IMPORT') print(level, log);
    },
  });
  return await build.write({
    dir: OUT_FOLDER,
    format: 'cjs',
    strict: true,
    dynamicImportInCjs: false,
    sourcemap: true,
    sourcemapExcludeSources: true,
    minify: { compress: true, mangle: false, codegen: true },
    entryFileNames: '[name].js',
    chunkFileNames: `${name}-[hash].js`,
    ...options,
  });
}

/** The program. Its entry awaits its dynamic imports, so none of its static imports may wait for the entry. */
async function bundleProgram(): Promise<RolldownOutput> {
  const entry = importsOf([PROGRAM_ENTRY]);
  const session = importsOf(EVERY_SESSION);
  const isEntry = (id: string): boolean => id === join(PROJECT_ROOT, PROGRAM_ENTRY);
  const groups = [
    { name: 'entry', test: (id: string) => entry.modules.has(id) && !isEntry(id) },
    { name: 'session', test: (id: string) => session.modules.has(id) && !entry.modules.has(id) },
  ];
  return await bundle('vtftp', PROGRAM_ENTRY, [entry.plugin, session.plugin], {
    entryFileNames: 'vtftp-[hash].js',
    codeSplitting: { includeDependenciesRecursively: false, groups },
  });
}

/** Writes `vtftp.js`, which starts the entry, and V8's compiled code of the chunks that every session needs. */
async function writeStart(entry: string): Promise<void> {
  const text = `#!/usr/bin/env node\n'use strict';\n(${startProgram.toString()})(require, __dirname, '${entry}');\n`;
  await writeFile(join(OUT_FOLDER, 'vtftp.js'), text, { mode: 0o755 });

  const home = await mkdtemp(join(tmpdir(), 'vtftp-build-'));
  const script = join(PROJECT_ROOT, 'dist/scripts/compile-chunks.js');
  const run = spawnSync(process.execPath, [script, OUT_FOLDER, entry, '-c', 'pwd'], { env: { HOME: home }, encoding: 'utf8' });
  await rm(home, { recursive: true });
  if (run.status !== 0) throw new Error(`bundle: the program does not run: ${run.stderr}${run.error?.message ?? ''}`);
}

async function bundleAll(): Promise<void> {
  const missing = [PROGRAM_ENTRY, ...EVERY_SESSION, ...Object.values(WORKERS)].filter((file) => !existsSync(join(PROJECT_ROOT, file)));
  if (missing.length > 0) throw new Error(`bundle: no such entry: ${missing.join(', ')}`);

  await mkdir(OUT_FOLDER, { recursive: true });
  // The project's own package.json declares ES modules.
  await writeFile(join(OUT_FOLDER, 'package.json'), '{ "type": "commonjs" }\n');
  const before = await readdir(OUT_FOLDER);
  // Each entry is built by itself. Otherwise, modules that the program shares with its workers would become chunks of half a millisecond each.
  const workers = Object.entries(WORKERS).map(([name, file]) => bundle(name, file, [], {}));
  const [program, ...others] = await Promise.all([bundleProgram(), ...workers]);
  await writeStart(program.output[0].fileName);

  // Chunks of earlier builds. They are removed last, so that a running program still finds its own.
  const chunks = [program, ...others].flatMap(({ output }) => output.map(({ fileName }) => fileName));
  const made = new Set(['package.json', 'vtftp.js', ...chunks, ...chunks.map((name) => name + COMPILED_SUFFIX)]);
  await Promise.all(before.filter((name) => !made.has(name)).map((name) => rm(join(OUT_FOLDER, name), { recursive: true })));
}

await bundleAll().catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
