// Histories of trees as sets and maps: what merges of several machines come to, by the definition and without any care for speed.

/** A file as the model has it. */
export interface ModelFile {
  readonly content: string;
  readonly mode: string;
}

export type ModelFiles = ReadonlyMap<string, ModelFile>;

/** A recorded state. */
export interface ModelState {
  readonly id: number;
  readonly files: ModelFiles;
  /** The states that it comes after, and itself. */
  readonly upTo: ReadonlySet<number>;
  /** The state that was merged into it: its line names that, wherever it is taken. */
  readonly merged?: number | undefined;
}

/** What a merge should come to. */
export interface ModelMerge {
  readonly files: ModelFiles;
  /** Paths that both sides changed. */
  readonly conflicts: readonly string[];
}

export type Side = 'ours' | 'theirs';

/** How two states lie to each other. */
export function relationOf(ours: ModelState, theirs: ModelState): 'ahead' | 'behind' | 'parted' {
  if (ours.upTo.has(theirs.id)) return 'ahead';
  return theirs.upTo.has(ours.id) ? 'behind' : 'parted';
}

/** The states that both come after and that no other such comes after. @param isKnown - whether somebody still has its tree */
export function bestCommon(
  states: ReadonlyMap<number, ModelState>,
  ours: ModelState,
  theirs: ModelState,
  isKnown: (id: number) => boolean,
): ModelState[] {
  const common = [...ours.upTo].filter((id) => theirs.upTo.has(id) && isKnown(id));
  const found = common.flatMap((id) => states.get(id) ?? []);
  return found.filter(({ id }) => !found.some((other) => other.id !== id && other.upTo.has(id)));
}

/** Merges file by file. */
export function mergeFiles(base: ModelFiles, ours: ModelFiles, theirs: ModelFiles, took: Side): ModelMerge {
  const files = new Map<string, ModelFile>();
  const conflicts: string[] = [];
  for (const path of [...new Set([...base.keys(), ...ours.keys(), ...theirs.keys()])].sort()) {
    const [was, one, two] = [base.get(path), ours.get(path), theirs.get(path)];
    let merged = one;
    if (isSame(one, two) || isSame(was, two)) merged = one;
    else if (isSame(was, one)) merged = two;
    else if (
      one !== undefined &&
      two !== undefined &&
      (one.content === two.content || was?.content === one.content || was?.content === two.content)
    ) {
      const content = was?.content === one.content ? two.content : one.content;
      let mode = was?.mode === one.mode ? two.mode : one.mode;
      if (one.mode !== two.mode && was?.mode !== one.mode && was?.mode !== two.mode) {
        mode = took === 'ours' ? one.mode : two.mode;
        conflicts.push(path);
      }
      merged = { content, mode };
    } else {
      conflicts.push(path);
      merged = took === 'ours' ? one : two;
    }
    if (merged !== undefined) files.set(path, merged);
  }
  return { files, conflicts };
}

function isSame(a: ModelFile | undefined, b: ModelFile | undefined): boolean {
  return a?.content === b?.content && a?.mode === b?.mode;
}

/** A line for each file, to compare. */
export function filesText(files: ModelFiles): string {
  return [...files]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([path, { content, mode }]) => `${mode} ${path} ${content}\n`)
    .join('');
}
