import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Caller, CallName, SystemCalls } from './system-calls.ts';
import { CallError } from './system-calls.ts';

/** A process of its own that makes system calls in a folder. */
export interface ProcessCaller extends Caller, AsyncDisposable {}

/** Starts a process that makes system calls in a folder: this one may have to serve it. */
export function processCaller(folder: string): ProcessCaller {
  const child = spawn(process.execPath, [fileURLToPath(new URL('call-child.js', import.meta.url)), folder], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()));
  const waiting: { resolve(line: string): void; reject(error: Error): void }[] = [];
  createInterface({ input: child.stdout }).on('line', (line) => waiting.shift()?.resolve(line));
  child.once('close', (status) => {
    for (const { reject } of waiting.splice(0)) reject(new Error(`the process of the system calls ended: ${status}`));
  });
  return {
    hasKernel: true,
    async call<K extends CallName>(name: K, ...args: Parameters<SystemCalls[K]>) {
      const line = await new Promise<string>((resolve, reject) => {
        waiting.push({ resolve, reject });
        child.stdin.write(`${JSON.stringify([name, ...args])}\n`);
      });
      const { value, errno } = JSON.parse(line) as { readonly value?: ReturnType<SystemCalls[K]>; readonly errno?: string };
      if (errno !== undefined) throw new CallError(name, errno);
      return value as ReturnType<SystemCalls[K]>;
    },
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      await ended;
    },
  };
}
