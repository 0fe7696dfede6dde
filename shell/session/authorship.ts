import { hostname } from 'node:os';
import type { ArchiveNotes } from '../../core/archive/archive-notes.ts';
import { authorNotes } from '../../core/archive/author-notes.ts';
import { octetsToText } from '../../core/base/octets.ts';
import { systemOwnerNames } from '../../core/base/system/owner-names.ts';

/** Characters of the commands that are noted with a root, at most. */
const MAX_COMMAND = 200;

/** What is noted of the roots that a session records: who, where, by which commands, and what was said of it. */
export class Authorship {
  #commands: string[] = [];
  /** The newest command. */
  #current: string | undefined;
  /** The last of those before, which may record more than one root. */
  #last: string | undefined;
  #message: string | undefined;
  #who: { readonly host: string; readonly user: string } | undefined;

  /** A command is about to change the tree. @returns takes that back: the command failed, and has changed nothing */
  note(line: string): () => void {
    this.#current = line;
    // Of a script of a million lines the first are enough.
    if (this.#commands.join('; ').length > MAX_COMMAND) return () => undefined;
    this.#commands.push(line);
    return () => {
      // A root that was recorded meanwhile has it already.
      if (this.#commands.at(-1) === line) this.#commands.pop();
    };
  }

  /** Leaves the command that is in progress out of a root of what was there before it. */
  async beforeCurrent(record: () => Promise<unknown>): Promise<void> {
    const current = this.#current;
    if (current !== undefined && this.#commands.at(-1) === current) this.#commands.pop();
    try {
      await record();
    } finally {
      if (current !== undefined) this.note(current);
    }
  }

  /** What is said of the next root. */
  describe(message: string): void {
    this.#message = message;
  }

  /** The notes of the next root. @param only - the command that made it; default: what was noted */
  notes(only?: string): ArchiveNotes {
    const line = only ?? (this.#commands.length === 0 ? (this.#last ?? '') : this.#commands.join('; '));
    const command = line.length > MAX_COMMAND ? `${line.slice(0, MAX_COMMAND - 1)}…` : line;
    return authorNotes({ ...this.#identity(), command, message: this.#message });
  }

  /** All is recorded, by a new root or not. @returns the message that no root took */
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
