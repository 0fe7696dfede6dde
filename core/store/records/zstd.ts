import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

// The only file that loads @bokuweb/zstd-wasm. Its own entry waits for WebAssembly to be compiled in the background, but Blocks are
// decoded where nothing can be awaited. So its module is given the compiled code at once, by the hook that Emscripten has for that.

/** What WebAssembly is bound to: functions by the names of modules and their own. */
type WasmImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** What of the package's module is used: functions of zstd.h, over the memory of its WebAssembly. */
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

/** Room in the memory of WebAssembly, which grows as it is needed. */
class Room {
  readonly #module: ZstdModule;
  #at = 0;
  #size = 0;

  constructor(module: ZstdModule) {
    this.#module = module;
  }

  /** Where `size` octets are free; what stood there is void. */
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

/** Zstandard (RFC 8878), in one call each; contexts and memory are kept from one call to the next. */
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

  /** Parts one after the other, compressed to one frame: a copy. */
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

  /** The octets of a frame, if they are as many as expected: a copy. No more than that many are ever made. */
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

/** Zstandard, loaded with the first call: that takes 4 ms. */
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
