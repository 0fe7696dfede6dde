import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The only file that loads @bokuweb/zstd-wasm. The package's entry point compiles WebAssembly in the background, but Blocks are
// decoded synchronously. So this passes the compiled code to its module at once, through Emscripten's hook for that.

/** The imports of a WebAssembly module: functions by module name and function name. */
type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** The used part of the package's module: functions of zstd.h on its WebAssembly memory. */
interface ZstdModule {
  readonly HEAPU8: Uint8Array;
  instantiateWasm?: (imports: WasmImports, receive: (instance: WebAssembly.Instance) => void) => object;
  init(code: Uint8Array): void;
  _malloc(size: number): number;
  _free(at: number): void;
  _ZSTD_createCCtx(): number;
  _ZSTD_createDCtx(): number;
  _ZSTD_isError(result: number): number;
  _ZSTD_compressBound(size: number): number;
  _ZSTD_compress_usingDict(
    context: number,
    to: number,
    room: number,
    from: number,
    size: number,
    dictionary: number,
    dictionarySize: number,
    level: number,
  ): number;
  _ZSTD_decompress_usingDict(
    context: number,
    to: number,
    room: number,
    from: number,
    size: number,
    dictionary: number,
    dictionarySize: number,
  ): number;
}

/** A growing buffer in WebAssembly memory. */
class Room {
  readonly #module: ZstdModule;
  #at = 0;
  #size = 0;

  constructor(module: ZstdModule) {
    this.#module = module;
  }

  /** Returns the address of at least `size` free octets; previous contents are lost. */
  take(size: number): number {
    if (size <= this.#size) return this.#at;
    if (this.#size > 0) this.#module._free(this.#at);
    this.#size = 0;
    this.#at = this.#module._malloc(size);
    if (this.#at === 0) throw new RangeError(`zstd: no memory for ${size} bytes`);
    this.#size = size;
    return this.#at;
  }
}

/** One-shot Zstandard (RFC 8878) calls, which reuse contexts and memory. */
class Zstd {
  readonly #module: ZstdModule;
  readonly #from: Room;
  readonly #to: Room;
  #compressor = 0;
  #decompressor = 0;

  constructor(module: ZstdModule) {
    this.#module = module;
    this.#from = new Room(module);
    this.#to = new Room(module);
  }

  /** Compresses the concatenation of parts into one frame; returns a copy. */
  compress(parts: readonly Uint8Array[], level: number): Buffer {
    const module = this.#module;
    if (this.#compressor === 0) this.#compressor = module._ZSTD_createCCtx();
    const size = parts.reduce((sum, { length }) => sum + length, 0);
    const room = module._ZSTD_compressBound(size);
    const from = this.#from.take(size);
    const to = this.#to.take(room);
    let at = from;
    for (const part of parts) {
      module.HEAPU8.set(part, at);
      at += part.length;
    }
    const made = module._ZSTD_compress_usingDict(this.#compressor, to, room, from, size, 0, 0, level);
    if (module._ZSTD_isError(made) !== 0) throw new RangeError(`zstd: cannot compress ${size} bytes`);
    return Buffer.from(module.HEAPU8.subarray(to, to + made));
  }

  /** Decompresses a frame into a copy; undefined if it does not have exactly `size` octets. Never produces more than that. */
  decompress(data: Uint8Array, size: number): Buffer | undefined {
    const module = this.#module;
    if (this.#decompressor === 0) this.#decompressor = module._ZSTD_createDCtx();
    const from = this.#from.take(data.length);
    const to = this.#to.take(Math.max(size, 1));
    module.HEAPU8.set(data, from);
    const made = module._ZSTD_decompress_usingDict(this.#decompressor, to, size, from, data.length, 0, 0);
    return made === size ? Buffer.from(module.HEAPU8.subarray(to, to + size)) : undefined;
  }
}

let loaded: Zstd | undefined;

/** Returns Zstandard; the first call loads it, which takes 4 ms. */
export function zstd(): Zstd {
  loaded ??= new Zstd(load());
  return loaded;
}

function load(): ZstdModule {
  const require = createRequire(import.meta.url);
  const folder = dirname(require.resolve('@bokuweb/zstd-wasm'));
  const { Module: module } = require(join(folder, 'zstd.js')) as { readonly Module: ZstdModule };
  const code = readFileSync(join(folder, 'zstd.wasm'));
  module.instantiateWasm = (imports, receive) => {
    receive(new WebAssembly.Instance(new WebAssembly.Module(code), imports));
    return {};
  };
  module.init(code);
  return module;
}
