/** A chunk that is running, or has run. */
interface Chunk {
  exports: unknown;
}

/** A compiled chunk, which V8 can serialize. */
export interface CompiledChunk {
  readonly name: string;
  /** Whether V8 refused its stored code; undefined if there was none. */
  readonly refused: boolean | undefined;
  createCachedData(): Buffer;
}

/** The ending of files with compiled code, after the name of the chunk. */
export const COMPILED_SUFFIX = '.compiled';

/**
 * Starts a bundle of CommonJS chunks that are in one folder. The text of this function begins each entry of the program, so it uses
 * nothing but its arguments. `require` would compile each chunk again; this function uses V8's stored code from the build. V8 refuses
 * code of another version or of other flags, and compiles then.
 *
 * @param entry - the chunk to run
 * @param compiled - gets each chunk that was compiled
 */
export function startProgram(require: NodeJS.Require, folder: string, entry: string, compiled?: (chunk: CompiledChunk) => void): void {
  const { readFileSync } = require('node:fs') as typeof import('node:fs');
  const { Script } = require('node:vm') as typeof import('node:vm');
  const chunks = new Map<string, Chunk>();
  // Modules of Node that most sessions do not use. They take up to 2 ms to load.
  const seldomUsed = ['node:child_process', 'node:crypto', 'node:v8', 'node:worker_threads', 'node:zlib'];

  const atFirstUse = (id: string): object => {
    const loaded = (): object => require(id) as object;
    return new Proxy(
      {},
      {
        get: (_, name) => Reflect.get(loaded(), name),
        // The result of `import()` is a copy, name by name.
        ownKeys: () => Reflect.ownKeys(loaded()),
        getOwnPropertyDescriptor: (_, name) => ({ value: Reflect.get(loaded(), name), enumerable: true, configurable: true }),
      },
    );
  };
  const writtenDown = (name: string): Buffer | undefined => {
    try {
      return readFileSync(`${folder}/${name}.compiled`);
    } catch {
      return undefined;
    }
  };
  const load = (name: string): unknown => {
    const known = chunks.get(name);
    if (known !== undefined) return known.exports;
    const filename = `${folder}/${name}`;
    const text = `(function (exports, require, module, __filename, __dirname) {${readFileSync(filename, 'latin1')}\n})`;
    const script = new Script(text, { filename, cachedData: writtenDown(name) });
    compiled?.({ name, refused: script.cachedDataRejected, createCachedData: () => script.createCachedData() });
    const chunk: Chunk = { exports: {} };
    chunks.set(name, chunk);
    const requireFrom = (id: string): unknown => {
      if (id.startsWith('./')) return load(id.slice(2));
      return seldomUsed.includes(id) ? atFirstUse(id) : require(id);
    };
    (script.runInThisContext() as (...parts: unknown[]) => void)(chunk.exports, requireFrom, chunk, filename, folder);
    return chunk.exports;
  };
  load(entry);
}
