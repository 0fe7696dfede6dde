import { existsSync, mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { copyStore, type SmallStore } from '../stores/small-store.ts';

/** Where the Stores of one run lie: calls fail below this folder alone. */
export interface Ground {
  readonly folder: string;
  readonly small: SmallStore;
  /** A Store with the changed tree, which never fails, and its Dirref. */
  readonly near: string;
  readonly nearRef: string;
  /** A Store with damaged Blocks that scrub has found. */
  readonly damaged: string;
  /** A Store with a past: see `makeStoriedStore`. */
  readonly storied: string;
  /** What `small` has, sealed, and its key. */
  readonly sealed: { readonly store: string; readonly key: string };
}

/** A way to name the Stores of a ground. */
export interface Shape {
  readonly name: string;
  /** The folders of its datadirs below the ground. */
  readonly datadirs: readonly string[];
  /** Whether each datadir has all; else they have all together. */
  readonly eachIsWhole: boolean;
  /** The specification; of a served Store undefined: its address. */
  readonly specification: ((ground: Ground) => string) | undefined;
  readonly isSealed?: boolean;
}

/** The Stores over which commands run. */
export const SHAPES: readonly Shape[] = [
  { name: 'datadir', datadirs: ['a'], eachIsWhole: true, specification: ({ folder }) => join(folder, 'a') },
  {
    name: 'proxy',
    datadirs: ['a', 'b'],
    eachIsWhole: true,
    specification: ({ folder }) => `proxy:save=${join(folder, 'a')}|${join(folder, 'b')}`,
  },
  {
    name: 'spool',
    datadirs: ['a', 'b'],
    eachIsWhole: false,
    specification: ({ folder }) => `proxy:save=${join(folder, 'a')},save2=${join(folder, 'b')}`,
  },
  { name: 'progress', datadirs: ['a'], eachIsWhole: true, specification: ({ folder }) => `progress:${join(folder, 'a')}` },
  { name: 'tcp', datadirs: ['a'], eachIsWhole: true, specification: undefined },
  {
    name: 'sealed',
    datadirs: ['a'],
    eachIsWhole: true,
    specification: ({ folder, sealed }) => `sealed:${sealed.key}:${join(folder, 'a')}`,
    isSealed: true,
  },
];

/** One command that is run while a call fails. */
export interface Scenario {
  readonly name: string;
  /** The shapes that it knows. */
  readonly shapes: readonly string[];
  /** Makes the Stores as they are before. */
  prepare(ground: Ground, shape: Shape): Promise<void>;
  /** The arguments of the program. @param store - the specification of the shape's Store */
  args(ground: Ground, store: string): readonly string[];
  /** Whether it prints a Dirref that its tree is known by. */
  readonly recites: boolean;
  /** The Dirref of what is whole after it succeeded, where that is not what it recites. */
  whole?(ground: Ground): string;
  /** What it begins with is not whole. */
  readonly isDamaged?: boolean;
}

const EVERY = SHAPES.map(({ name }) => name);

async function copyBase({ folder, small, sealed }: Ground, shape: Shape): Promise<void> {
  for (const name of shape.datadirs) await copyStore(shape.isSealed === true ? sealed.store : small.store, join(folder, name));
}

async function makeEmpty({ folder }: Ground): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  await Promise.resolve();
}

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'put',
    shapes: EVERY,
    prepare: copyBase,
    args: ({ small }, store) => ['-S', store, '-c', `put ${small.changed} tree; quit`],
    recites: true,
  },
  {
    name: 'first put',
    shapes: ['datadir', 'proxy', 'spool', 'progress', 'sealed'],
    prepare: makeEmpty,
    args: ({ small }, store) => ['-S', store, '-c', `put ${small.changed} tree; quit`],
    recites: true,
  },
  {
    name: 'push',
    shapes: EVERY,
    prepare: copyBase,
    args: ({ near }, store) => ['-S', near, '-c', `push -b --recheck --peer '${store}'`],
    recites: false,
    whole: ({ nearRef }) => nearRef,
  },
  {
    name: 'pull',
    shapes: EVERY,
    prepare: copyBase,
    args: ({ near, nearRef }, store) => ['-S', store, nearRef, '-c', `pull --recheck --peer ${near}`],
    recites: false,
    whole: ({ nearRef }) => nearRef,
  },
  {
    name: 'gc',
    shapes: ['datadir', 'progress', 'sealed'],
    prepare: copyBase,
    args: (_, store) => ['-S', store, '-c', 'gc --grace 0'],
    recites: false,
  },
  {
    name: 'gc of a past',
    shapes: ['datadir'],
    async prepare(ground, shape) {
      for (const name of shape.datadirs) await copyStore(ground.storied, join(ground.folder, name));
    },
    args: (_, store) => ['-S', store, '-c', 'gc --grace 0'],
    recites: false,
  },
  {
    name: 'repair',
    shapes: ['datadir'],
    async prepare(ground, shape) {
      for (const name of shape.datadirs) await copyStore(ground.damaged, join(ground.folder, name));
    },
    args: ({ small }, store) => ['-S', store, '-c', `repair ${small.source}`],
    recites: false,
    isDamaged: true,
  },
  {
    name: 'index rebuild',
    shapes: ['datadir'],
    prepare: copyBase,
    args: (_, store) => ['-S', store, '-c', 'fsck --rebuild-index'],
    recites: false,
  },
];

/** The datadirs of a shape that are there. */
export function datadirsOf({ folder }: Ground, { datadirs }: Shape): string[] {
  return datadirs.map((name) => join(folder, name)).filter((path) => existsSync(join(path, 'vtftp-store')));
}
