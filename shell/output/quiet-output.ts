import { OutputOver } from './output-over.ts';

/** Drops the lines with which a command reports its work: `-q`. Records pass, since programs request them by `--json`. */
export class QuietOutput extends OutputOver {
  override line(): void {}
}
