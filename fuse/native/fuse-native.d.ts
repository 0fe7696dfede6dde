/** The package `fuse-native` 2.2.6: a class, and nothing else that is used. */
declare module 'fuse-native' {
  class Fuse {
    constructor(
      mountPoint: string,
      operations: import('./native-types.ts').NativeOperations,
      options: import('./native-types.ts').NativeOptions,
    );
    mount(done: (error: Error | null) => void): void;
    unmount(done: (error: Error | null) => void): void;
    static unmount(mountPoint: string, done: (error: Error | null) => void): void;
    protected _op_getxattr(signal: import('./native-types.ts').Signal, path: string, name: string, buffer: Buffer, position: number): void;
    protected _op_listxattr(signal: import('./native-types.ts').Signal, path: string, buffer: Buffer): void;
  }

  export = Fuse;
}
