import { OutputOver } from './output-over.ts';

/** Leaves out what a command says of its work: `-q`. Records go through, for programs ask for them by `--json`. */
export class QuietOutput extends OutputOver {
  override line(): void {}
}
