// The part of WebAssembly's JavaScript interface that we use. @types/node has none of it, and the DOM's types would admit functions
// that Node lacks. @see https://webassembly.github.io/spec/js-api/

// biome-ignore lint/style/noNamespace: the platform's global is one
declare namespace WebAssembly {
  /** A compiled module. */
  class Module {
    constructor(bytes: Uint8Array);
  }

  /** A module bound to its imports. */
  class Instance {
    constructor(module: Module, imports: Readonly<Record<string, Readonly<Record<string, unknown>>>>);
    readonly exports: Readonly<Record<string, unknown>>;
  }

  interface MemoryDescriptor {
    /** Pages of 64 KiB. */
    readonly initial: number;
    readonly maximum: number;
    readonly shared: true;
  }

  /** Linear memory that threads share. */
  class Memory {
    constructor(descriptor: MemoryDescriptor);
    readonly buffer: SharedArrayBuffer;
  }

  /** A variable of a module. */
  interface Global {
    readonly value: unknown;
  }

  /** The error for a module that this platform cannot compile. */
  class CompileError extends Error {}
}
