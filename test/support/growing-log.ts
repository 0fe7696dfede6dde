import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  truncateSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/** Rotated files that are kept. */
const MAX_KEPT = 200;

/** A log and who writes it; what was written to it stands in `written`. */
export class Log {
  readonly path: string;
  #written: Buffer[] = [];
  #fd: number;
  /** Seconds since 1970; undefined where files get the time that it is. */
  #time: number | undefined;

  /** @param ownTime - each write is a second after the one before: real logs are not rotated twice within one tick of the kernel's clock */
  constructor(path: string, ownTime = true) {
    this.path = path;
    this.#time = ownTime ? 1_700_000_000 : undefined;
    mkdirSync(dirname(path), { recursive: true });
    this.#fd = openSync(path, 'a');
  }

  /** All that was ever written. */
  get written(): Buffer {
    const all = this.#written.length === 1 ? this.#written[0] : undefined;
    const joined = all ?? Buffer.concat(this.#written);
    this.#written = [joined];
    return joined;
  }

  /** What is written elsewhere, and belongs to it. */
  set written(all: Buffer) {
    this.#written = [all];
  }

  /** Appends by the descriptor that is open, as loggers do. */
  write(text: string | Uint8Array): void {
    const data = Buffer.from(text);
    writeSync(this.#fd, data);
    this.#written.push(data);
    this.touch(this.#where());
  }

  touch(path: string): void {
    if (this.#time === undefined) return;
    this.#time++;
    if (existsSync(path)) utimesSync(path, this.#time, this.#time);
  }

  #moved: string | undefined;

  #where(): string {
    return this.#moved ?? this.path;
  }

  /** `log.1` becomes `log.2`, …, the log `log.1`, and a new one is made. Whoever writes goes on with the old one until `reopen`. */
  rotateByRename(): void {
    this.#shift();
    renameSync(this.path, `${this.path}.1`);
    this.#moved ??= `${this.path}.1`;
    writeFileSync(this.path, '');
    this.touch(this.path);
  }

  reopen(): void {
    closeSync(this.#fd);
    this.#fd = openSync(this.path, 'a');
    this.#moved = undefined;
  }

  rotateByCopy(): void {
    this.#shift();
    copyFileSync(this.path, `${this.path}.1`);
    this.touch(`${this.path}.1`);
    truncateSync(this.path);
    this.touch(this.path);
  }

  remove(): void {
    rmSync(this.path);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #shift(): void {
    const numbers = readdirSync(dirname(this.path))
      .filter((name) => `${dirname(this.path)}/${name}`.startsWith(`${this.path}.`))
      .map((name) => Number(name.slice(name.lastIndexOf('.') + 1)))
      .sort((a, b) => b - a);
    for (const number of numbers) {
      if (number < MAX_KEPT) renameSync(`${this.path}.${number}`, `${this.path}.${number + 1}`);
      else rmSync(`${this.path}.${number}`);
    }
    if (this.#moved !== undefined) this.#moved = `${this.path}.${Number(this.#moved.slice(this.#moved.lastIndexOf('.') + 1)) + 1}`;
  }
}
