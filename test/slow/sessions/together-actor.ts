import type { Said } from '../../support/shells/conversation.ts';
import type { Names, RecordedRoot } from './recorded-names.ts';
import { mergedNames, NO_ROOT, sameNames } from './recorded-names.ts';

/** Views of one round at most: more than two roots in it are rare. */
const MAX_VIEWS = 64;

/** What one session knows and did, by the model. */
export class TogetherActor {
  readonly name: string;
  /** What its tree was made of. */
  base: RecordedRoot = NO_ROOT;
  /** What its tree has. */
  names = new Set<string>();
  made = 0;

  constructor(name: string) {
    this.name = name;
  }

  /** A new session begins at the newest root. */
  beginAt(root: RecordedRoot): void {
    this.base = root;
    this.names = new Set(root.names);
  }

  /**
   * What it may be by now: a mount takes in each root that others record, at any time, and records nothing for it. As which of them are taken
   * in one by one decides what a merge gives, each choice is a view of its own.
   */
  views(roots: readonly RecordedRoot[]): TogetherActor[] {
    const views: TogetherActor[] = [this.#with(this.base, this.names)];
    for (const root of roots.slice(roots.lastIndexOf(this.base) + 1)) {
      for (const view of [...views]) {
        const next = this.#with(root, view.mergedWith(root));
        const isKnown = views.some(({ base, names }) => sameNames(base.names, next.base.names) && sameNames(names, next.names));
        if (!isKnown && views.length < MAX_VIEWS) views.push(next);
      }
    }
    return views;
  }

  become({ base, names }: TogetherActor): void {
    this.base = base;
    this.names = names;
  }

  #with(base: RecordedRoot, names: Names): TogetherActor {
    const view = new TogetherActor(this.name);
    view.base = base;
    view.names = new Set(names);
    return view;
  }

  get isChanged(): boolean {
    return !sameNames(this.base.names, this.names);
  }

  /** What a root would be that this session records after another. */
  mergedWith(before: RecordedRoot): Names {
    return mergedNames(this.base.names, this.names, before.names);
  }

  /** Whether it may have recorded `root` after `before`. */
  mayHaveRecorded(before: RecordedRoot, root: RecordedRoot): boolean {
    return sameNames(this.mergedWith(before), root.names);
  }

  /**
   * Takes the answer to `sync`.
   *
   * @param from - how many roots there were when it was asked
   * @returns what does not hold
   */
  synced(said: Said, roots: readonly RecordedRoot[], from: number): string | undefined {
    const dirref = String(said.records.find(({ dirref: text }) => text !== undefined)?.['dirref'] ?? '');
    const place = roots.findIndex(({ text }, index) => {
      if (text !== dirref) return false;
      const root = roots[index] ?? NO_ROOT;
      if (!this.isChanged && sameNames(root.names, this.base.names)) return true;
      if (index >= from && this.mayHaveRecorded(roots[index - 1] ?? NO_ROOT, root)) return true;
      // Another one recorded the same first.
      return index >= from - 1 && this.mayHaveRecorded(root, root);
    });
    const root = roots[place];
    if (root === undefined) {
      if (!this.isChanged && this.base === NO_ROOT) return undefined;
      const number = roots.findIndex(({ text }) => text === dirref) + 1;
      const was = `it had ${[...this.names].join(' ')} over ${[...this.base.names].join(' ')}`;
      return `sync said ${dirref}, which is ${number === 0 ? 'no root' : `root ${number}, which it cannot have become`}; ${was}`;
    }
    this.beginAt(root);
    return undefined;
  }

  /** Takes the answer to `undo` or `redo` that went to a root. */
  went(said: Said, roots: readonly RecordedRoot[], from: number): string | undefined {
    const number = Number(said.records.find(({ number: at }) => at !== undefined)?.['number']);
    const target = number === 0 ? NO_ROOT : roots[number - 1];
    if (target === undefined) return `went to root ${number}, of which there is none`;
    const lost = this.#unrecorded(roots, from);
    const isNewest = roots.some((root, index) => index >= from - 1 && (number === 0 ? root.names.size === 0 : root.text === target.text));
    // What it was at was recorded before, and what it went to after.
    this.beginAt(target);
    return lost ?? (isNewest || (number === 0 && from === 0) ? undefined : `went to root ${number}, which was not recorded again`);
  }

  /** Takes an error of `undo` or `redo`: what was changed is recorded all the same, and the tree may be another's newer root. */
  refused(names: Names, roots: readonly RecordedRoot[], from: number): string | undefined {
    const lost = this.#unrecorded(roots, from);
    if (lost !== undefined) return lost;
    const root = [...roots].reverse().find((each) => sameNames(each.names, names));
    if (root === undefined && names.size > 0) return 'the tree after a refused undo is no root';
    this.beginAt(root ?? NO_ROOT);
    return undefined;
  }

  /** What was changed and stands in no root. */
  #unrecorded(roots: readonly RecordedRoot[], from: number): string | undefined {
    if (!this.isChanged) return undefined;
    for (let i = Math.max(0, from - 1); i < roots.length; i++) {
      const root = roots[i] ?? NO_ROOT;
      if (this.mayHaveRecorded(roots[i - 1] ?? NO_ROOT, root) || this.mayHaveRecorded(root, root)) return undefined;
    }
    return 'what it had changed is in no root';
  }
}
