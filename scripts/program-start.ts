/** A chunk that runs, or has run. */
interface Chunk {
  exports: unknown;
}

/** A compiled chunk, as V8 can write it down. */
export interface CompiledChunk {
  readonly name: string;
  /** Whether V8 refused what was written down of it; undefined where nothing was. */
  readonly refused: boolean | undefined;
  createCachedData(): Buffer;
}

/** What comes after the name of a chunk in the name of the file that holds it compiled. */
export const COMPILED_SUFFIX = '.compiled';

/**
 * Starts a bundle of CommonJS chunks that are in one folder. Its text, without what is around it, begins each entry of the program: so
 * it uses nothing but its arguments. `require` would compile each chunk again; this takes what V8 wrote down of it when the program was
 * built. V8 itself refuses that where it is of another version or has other flags, and compiles.
 *
 * @param entry - the chunk to run
 * @param compiled - gets each chunk that was compiled
 */
export function startProgram(require: NodeJS.Require, folder: string, entry: string, compiled?: (chunk: CompiledChunk) => void): void {
  const { readFileSync } = require('node:fs') as typeof import('node:fs');
  const { Script } = require('node:vm') as typeof import('node:vm');
  const chunks = new Map<string, Chunk>();
  // Modules of Node that take up to 2 ms to load, and that most sessions do not use.
  const seldomUsed = ['node:child_process', 'node:crypto', 'node:v8', 'node:worker_threads', 'node:zlib'];

  const atFirstUse = (id: string): object => {
    const loaded = (): object => require(id) as object;
    return new Proxy(
      {},
      {
        get: (_, name) => Reflect.get(loaded(), name),
        // What `import()` gives is a copy, name by name.
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
