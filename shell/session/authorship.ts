import { hostname } from 'node:os';
import type { ArchiveNotes } from '../../core/archive/archive-notes.ts';
import { authorNotes } from '../../core/archive/author-notes.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { systemOwnerNames } from '../../core/base/system/owner-names.ts';

/** Characters of commands in the note of a root, at most. */
const MAX_COMMAND = 200;

/** Collects the notes for the roots that a session records: user, host, commands, and message. */
export class Authorship {
  #commands: string[] = [];
  /** The newest command. */
  #current: string | undefined;
  /** The last command of the previous root. It may record more than one root. */
  #last: string | undefined;
  #message: string | undefined;
  #who: { readonly host: string; readonly user: string } | undefined;

  /**
   * Notes a command that is about to change the tree.
   *
   * @returns a function that takes the note back, for a command that failed without a change
   */
  note(line: string): () => void {
    this.#current = line;
    // The first commands of a long script are enough.
    if (this.#commands.join('; ').length > MAX_COMMAND) return () => undefined;
    this.#commands.push(line);
    return () => {
      // A root recorded meanwhile already has the command.
      if (this.#commands.at(-1) === line) this.#commands.pop();
    };
  }

  /** Records a root without the running command in its notes, since that root is the state before it. */
  async beforeCurrent(record: () => Promise<unknown>): Promise<void> {
    const current = this.#current;
    if (current !== undefined && this.#commands.at(-1) === current) this.#commands.pop();
    try {
      await record();
    } finally {
      if (current !== undefined) this.note(current);
    }
  }

  /** Sets the message of the next root. */
  describe(message: string): void {
    this.#message = message;
  }

  /** The notes of the next root. @param only - the command that made it; default: the noted ones */
  notes(only?: string): ArchiveNotes {
    const line = only ?? (this.#commands.length === 0 ? (this.#last ?? '') : this.#commands.join('; '));
    const command = line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND - 1)}…` : line;
    return authorNotes({ ...this.#identity(), command, message: this.#message });
  }

  /** Notes that everything is recorded, with or without a new root. @returns the message if no root took it */
  recorded(hasRoot: boolean): string | undefined {
    const unused = hasRoot ? undefined : this.#message;
    if (hasRoot) {
      this.#last = this.#commands.at(-1) ?? this.#last;
      this.#commands = [];
    }
    this.#message = undefined;
    return unused;
  }

  #identity(): { readonly host: string; readonly user: string } {
    if (this.#who === undefined) {
      const uid = process.getuid?.() ?? 0;
      const name = systemOwnerNames().userName(uid);
      this.#who = { host: hostname(), user: name === undefined ? String(uid) : octetsToText(name) };
    }
    return this.#who;
  }
}
