// Made from the command table by scripts/build-client-records.ts.

/** The working path in the tree. */
export interface WorkingPath {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'pwd' | 'cd';
  readonly cwd: string;
  /** The bytes of `cwd` in base64, where they are not UTF-8. */
  readonly cwd_b64?: string;
  readonly state?: string;
}

/** The local working directory. */
export interface LocalWorkingPath {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'lpwd' | 'lcd';
  readonly local_cwd: string;
  /** The bytes of `local_cwd` in base64, where they are not UTF-8. */
  readonly local_cwd_b64?: string;
}

/** A bookmark. */
export interface Bookmark {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'bookmark';
  readonly bookmark: string;
  readonly source: string;
  /** The bytes of `source` in base64, where they are not UTF-8. */
  readonly source_b64?: string;
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
}

/** A name in a tree. */
export interface Entry {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'ls' | 'tree' | 'find';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly name: string;
  /** The bytes of `name` in base64, where they are not UTF-8. */
  readonly name_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size: number;
  readonly mode: string;
  readonly nlink: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  /** The bytes of `user` in base64, where they are not UTF-8. */
  readonly user_b64?: string;
  readonly group?: string;
  /** The bytes of `group` in base64, where they are not UTF-8. */
  readonly group_b64?: string;
  readonly mtime?: string;
  readonly target?: string;
  /** The bytes of `target` in base64, where they are not UTF-8. */
  readonly target_b64?: string;
  readonly rdev?: string;
}

/** A name in a recorded state. */
export interface Located {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'locate';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly number: number;
  readonly when: string;
  readonly kind: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size?: number;
}

/** A name that two sides changed. */
export interface Conflict {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'conflicts' | 'merge';
  readonly conflict: 'both-changed' | 'removed-by-us' | 'removed-by-them' | 'both-renamed' | 'metadata';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly took?: 'ours' | 'theirs' | 'both';
  readonly theirs?: string;
  /** The bytes of `theirs` in base64, where they are not UTF-8. */
  readonly theirs_b64?: string;
  readonly fields?: readonly {
    readonly field: string;
    readonly ours?: string;
    readonly theirs?: string;
    readonly taken?: string;
  }[];
}

/** The content below a Dir. */
export interface Usage {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'du';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly bytes: number;
}

/** The disk of the Store. */
export interface DiskUse {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'df';
  readonly store: string;
  readonly path: string;
  readonly size_bytes: number;
  readonly used_bytes: number;
  readonly free_bytes: number;
  readonly store_bytes: number;
}

/** The metadata of a name. */
export interface Metadata {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'stat';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly name: string;
  /** The bytes of `name` in base64, where they are not UTF-8. */
  readonly name_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size: number;
  readonly mode: string;
  readonly nlink: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  /** The bytes of `user` in base64, where they are not UTF-8. */
  readonly user_b64?: string;
  readonly group?: string;
  /** The bytes of `group` in base64, where they are not UTF-8. */
  readonly group_b64?: string;
  readonly mtime?: string;
  readonly target?: string;
  /** The bytes of `target` in base64, where they are not UTF-8. */
  readonly target_b64?: string;
  readonly rdev?: string;
  readonly ctime?: string;
  readonly btime?: string;
  readonly xattrs?: readonly {
    readonly name: string;
    /** The bytes of `name` in base64, where they are not UTF-8. */
    readonly name_b64?: string;
    readonly value_b64: string;
  }[];
}

/** The metadata of a name, its Blocks and its earlier states. */
export interface Inspection {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'inspect';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly name: string;
  /** The bytes of `name` in base64, where they are not UTF-8. */
  readonly name_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size: number;
  readonly mode: string;
  readonly nlink: number;
  readonly uid?: number;
  readonly gid?: number;
  readonly user?: string;
  /** The bytes of `user` in base64, where they are not UTF-8. */
  readonly user_b64?: string;
  readonly group?: string;
  /** The bytes of `group` in base64, where they are not UTF-8. */
  readonly group_b64?: string;
  readonly mtime?: string;
  readonly target?: string;
  /** The bytes of `target` in base64, where they are not UTF-8. */
  readonly target_b64?: string;
  readonly rdev?: string;
  readonly ctime?: string;
  readonly btime?: string;
  readonly xattrs?: readonly {
    readonly name: string;
    /** The bytes of `name` in base64, where they are not UTF-8. */
    readonly name_b64?: string;
    readonly value_b64: string;
  }[];
  readonly reference: string;
  readonly block?: string;
  readonly prev?: string;
  readonly salted?: true;
  readonly tree?: {
    readonly depth: number;
    readonly superblocks: number;
    readonly leaves: number;
    readonly stored_leaves: number;
    readonly stored_bytes: number;
    readonly literal_leaves: number;
    readonly run_leaves: number;
    readonly run_bytes: number;
    readonly unique_leaves: number;
    readonly unique_bytes: number;
    readonly histogram: readonly {
      readonly min_size: number;
      readonly leaves: number;
      readonly bytes: number;
    }[];
  };
  readonly store?: {
    readonly needed_blocks: number;
    readonly present_blocks: number;
    readonly needed_bytes: number;
    readonly present_bytes: number;
  };
  readonly unique_share?: number;
  readonly present_share?: number;
  readonly damage?: string;
  readonly previous?: readonly {
    readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
    readonly size?: number;
    readonly mtime?: string;
    readonly reference: string;
  }[];
  readonly map?: readonly {
    readonly start: number;
    readonly bytes: number;
    readonly part: 'only-here' | 'repeated' | 'run' | 'shared';
    readonly with?: string;
    /** The bytes of `with` in base64, where they are not UTF-8. */
    readonly with_b64?: string;
  }[];
  readonly shared_with?: readonly {
    readonly path: string;
    /** The bytes of `path` in base64, where they are not UTF-8. */
    readonly path_b64?: string;
    readonly bytes: number;
  }[];
  readonly history: readonly {
    readonly number: number;
    readonly when: string;
    readonly gone?: true;
    readonly type?: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
    readonly size?: number;
    readonly reference?: string;
  }[];
}

/** A part of the content of a path. */
export interface Content {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'cat' | 'head' | 'tail';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly data_b64: string;
}

/** A part of an output. */
export interface OutputPart {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'less' | 'ar' | '!' | 'lls';
  readonly data_b64: string;
}

/** The result of writing a path. */
export interface Got {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'get';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly local: string;
  /** The bytes of `local` in base64, where they are not UTF-8. */
  readonly local_b64?: string;
  readonly files: number;
  readonly dirs: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly links: number;
  readonly skipped: number;
  readonly omitted: number;
  readonly bytes: number;
  readonly failures: number;
  readonly damaged: number;
  readonly denied: number;
}

/** The planned change of a local name. */
export interface GetEffect {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'get';
  readonly plan: 'get';
  readonly action: 'make' | 'replace' | 'enter' | 'skip' | 'refuse' | 'remove';
  readonly type?: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly local: string;
  /** The bytes of `local` in base64, where they are not UTF-8. */
  readonly local_b64?: string;
  readonly bytes?: number;
  readonly blocks?: number;
  readonly link?: true;
  readonly reason?: string;
}

/** The result of storing a local name. */
export interface Put {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'put';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly plan?: true;
  readonly files: number;
  readonly bytes: number;
  readonly dirs: number;
  readonly others: number;
  readonly excluded: number;
  readonly unchanged_files: number;
  readonly unchanged_bytes: number;
  readonly new_blocks: number;
  readonly new_bytes: number;
  readonly existing_blocks: number;
  readonly existing_bytes: number;
  readonly gone: number;
  readonly failures: number;
  readonly seconds: number;
  readonly bytes_per_second: number;
}

/** A follow or watch that has started. */
export interface Begun {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'follow' | 'watch';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly local: string;
  readonly files: number;
  readonly absent: number;
  readonly bytes: number;
  readonly new_bytes: number;
}

/** A file or directory that is followed. */
export interface Tail {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'tails';
  readonly target: string;
  readonly local: string;
  readonly state: 'following' | 'failing' | 'elsewhere' | 'stopped';
  readonly pid?: number;
  readonly store?: string;
  readonly store_is_gone?: true;
  readonly files: number;
  readonly absent?: number;
  readonly bytes?: number;
  readonly new_bytes?: number;
  readonly read_bytes?: number;
  readonly lag_bytes: number;
  readonly lag_ms: number;
  readonly bytes_per_second: number;
  readonly recent_bytes?: readonly number[];
  readonly rounds?: number;
  readonly rotations?: number;
  readonly failures?: number;
  readonly when?: string;
  readonly trouble?: string;
  readonly trouble_since?: string;
  readonly dirref?: string;
}

/** A removed checkpoint. */
export interface Forgotten {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'untail';
  readonly forgotten: string;
  readonly local: string;
  readonly store: string;
}

/** A name that was bound. */
export interface Bound {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'bind';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size?: number;
  readonly new_blocks: number;
  readonly new_bytes: number;
}

/** A tree that was joined. */
export interface Joined {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'join';
  readonly join: string;
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly plan?: true;
}

/** A name that is new, changed, removed or only here. */
export interface News {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'merge' | 'pull';
  readonly change: 'new' | 'changed' | 'removed' | 'only here';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
}

/** The end of a merge. */
export interface Merged {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'merge';
  readonly merge: string;
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly plan?: true;
  readonly relation: string;
  readonly conflicts: number;
  readonly merged: boolean;
}

/** The newest state of an archive, moved. */
export interface PulledState {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'pull';
  readonly pull: string;
  readonly archive: string;
  readonly state: string;
  readonly when: string;
  readonly recorded: true;
}

/** An archive that needed nothing. */
export interface PulledNothing {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'pull';
  readonly pull: string;
  readonly archive: string;
  readonly plan?: true;
  readonly recorded: boolean;
  readonly relation: 'same' | 'older' | 'newer';
}

/** All states of an archive. */
export interface PulledStates {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'pull';
  readonly pull: string;
  readonly archive: string;
  readonly plan?: true;
  readonly states: number;
  readonly missing_states: number;
  readonly blocks: number;
  readonly bytes: number;
}

/** The Blocks of a path. */
export interface PulledBlocks {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'pull';
  readonly pull: string;
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly plan?: true;
  readonly needed_blocks: number;
  readonly missing_blocks: number;
  readonly missing_bytes: number;
  readonly puts?: number;
  readonly moved_blocks?: number;
  readonly moved_bytes?: number;
  readonly faults: number;
  readonly seconds: number;
}

/** The newest state of an archive, moved. */
export interface PushedState {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'push';
  readonly push: string;
  readonly archive: string;
  readonly state: string;
  readonly when: string;
  readonly recorded: true;
}

/** An archive that needed nothing. */
export interface PushedNothing {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'push';
  readonly push: string;
  readonly archive: string;
  readonly plan?: true;
  readonly recorded: boolean;
  readonly relation: 'same' | 'older' | 'newer';
}

/** All states of an archive. */
export interface PushedStates {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'push';
  readonly push: string;
  readonly archive: string;
  readonly plan?: true;
  readonly states: number;
  readonly missing_states: number;
  readonly blocks: number;
  readonly bytes: number;
}

/** The Blocks of a path. */
export interface PushedBlocks {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'push';
  readonly push: string;
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly plan?: true;
  readonly needed_blocks: number;
  readonly missing_blocks: number;
  readonly missing_bytes: number;
  readonly puts?: number;
  readonly moved_blocks?: number;
  readonly moved_bytes?: number;
  readonly faults: number;
  readonly seconds: number;
}

/** The URI, and the URL of a page. */
export interface Published {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'publish';
  readonly uri: string;
  readonly url?: string;
}

/** A link that was made. */
export interface Link {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'share';
  readonly url: string;
  readonly until: string;
}

/** The source that is open now. */
export interface Opened {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'open';
  readonly open: string;
}

/** The Dirref of the recorded tree. */
export interface Synced {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'sync';
  readonly dirref: string;
}

/** The state that the tree has now. */
export interface Undone {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'undo';
  readonly undo?: number;
  readonly recorded?: number;
  readonly number: number;
  readonly when?: string;
}

/** The state that the tree has now. */
export interface Redone {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'redo';
  readonly redo?: number;
  readonly recorded?: number;
  readonly number: number;
  readonly when?: string;
}

/** A restored path. */
export interface Restored {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'restore';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly state: number;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
}

/** A recorded state. */
export interface State {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'log';
  readonly number: number;
  readonly when: string;
  readonly name: string;
  /** The bytes of `name` in base64, where they are not UTF-8. */
  readonly name_b64?: string;
  readonly reference: string;
  readonly added?: number;
  readonly removed?: number;
  readonly changed?: number;
  readonly new_bytes?: number;
  readonly more?: true;
  readonly first?: string;
  /** The bytes of `first` in base64, where they are not UTF-8. */
  readonly first_b64?: string;
  readonly changes?: 'unknown';
  readonly merges?: readonly (string | null)[];
  readonly host?: string;
  readonly user?: string;
  readonly commands?: string;
  readonly message?: string;
  readonly tags?: readonly string[];
  readonly protected?: true;
}

/** A recorded state of a path. */
export interface PathState {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'log';
  readonly number: number;
  readonly when: string;
  readonly gone?: true;
  readonly name?: string;
  /** The bytes of `name` in base64, where they are not UTF-8. */
  readonly name_b64?: string;
  readonly size?: number;
  readonly same?: number;
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly reference?: string;
  readonly host?: string;
  readonly user?: string;
  readonly commands?: string;
  readonly message?: string;
}

/** A difference between two trees. */
export interface Difference {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'diff';
  readonly change: 'added' | 'removed' | 'changed' | 'renamed';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly from?: string;
  /** The bytes of `from` in base64, where they are not UTF-8. */
  readonly from_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
  readonly size_before?: number;
  readonly size_after?: number;
  readonly content?: boolean;
  readonly meta?: readonly {
    readonly field: string;
    readonly before?: string;
    readonly after?: string;
  }[];
}

/** The differences of two texts. */
export interface Patch {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'diff';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly patch: string;
  /** The bytes of `patch` in base64, where they are not UTF-8. */
  readonly patch_b64?: string;
}

/** A range of bytes that differ. */
export interface Range {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'diff';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly range: {
    readonly before: {
      readonly start: number;
      readonly size: number;
    };
    readonly after: {
      readonly start: number;
      readonly size: number;
    };
  };
}

/** New and removed bytes below a Dir. */
export interface DirChanges {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'diff';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly added_bytes: number;
  readonly removed_bytes: number;
}

/** The end of a comparison. */
export interface DifferenceCounts {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'diff';
  readonly added: number;
  readonly removed: number;
  readonly changed: number;
  readonly renamed: number;
  readonly added_bytes: number;
  readonly removed_bytes: number;
}

/** Whether two files or Dirs are equal. */
export interface Comparison {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'cmp';
  readonly same: boolean;
  readonly offset?: number;
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
}

/** The tags and the protection of a state. */
export interface Marks {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'tag' | 'protect' | 'unprotect';
  readonly number: number;
  readonly tags: readonly string[];
  readonly protected: boolean;
}

/** A state, and why it is kept. */
export interface Kept {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'forget';
  readonly number: number;
  readonly when: string;
  readonly kept: boolean;
  readonly reasons: readonly string[];
}

/** The number of states that stay and go. */
export interface ForgottenCounts {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'forget';
  readonly plan?: true;
  readonly kept: number;
  readonly forgotten: number;
}

/** A mount. */
export interface Mounted {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'mount';
  readonly mounted: string;
  readonly pid?: number;
}

/** Excluded names that were lost with a mount. */
export interface ExcludedGone {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'mount';
  readonly excluded_gone: number;
}

/** A mount that has ended. */
export interface Unmounted {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'umount';
  readonly unmounted: string;
  /** The bytes of `unmounted` in base64, where they are not UTF-8. */
  readonly unmounted_b64?: string;
  readonly dirref?: string;
  readonly excluded_gone?: number;
}

/** A mount. */
export interface Mount {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'mounts';
  readonly mountpoint: string;
  /** The bytes of `mountpoint` in base64, where they are not UTF-8. */
  readonly mountpoint_b64?: string;
  readonly source: string;
  /** The bytes of `source` in base64, where they are not UTF-8. */
  readonly source_b64?: string;
  readonly state: 'rw' | 'ro' | 'stale' | 'gone';
  readonly unsaved?: number;
  readonly pid?: number;
  readonly control?: string;
}

/** An archive with its newest state. */
export interface ArchiveNewest {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'archives';
  readonly archive: string;
  readonly open: boolean;
  readonly states: number;
  readonly when?: string;
  readonly reference?: string;
}

/** A Store of the session. */
export interface StoreInfo {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'stores';
  readonly role: string;
  readonly store: string;
  readonly depth: number;
  readonly hash: string;
  readonly write: boolean;
  readonly blocks?: number;
  readonly new_blocks: number;
  readonly new_bytes: number;
  readonly existing_blocks: number;
  readonly waiting_blocks?: number;
  readonly waiting_bytes?: number;
  readonly trouble?: string;
  readonly progress_add_bytes?: number;
  readonly progress_add_count?: number;
  readonly progress_get_bytes?: number;
  readonly progress_get_count?: number;
  readonly progress_outstanding?: number;
  readonly puts?: number;
  readonly gets?: number;
  readonly lists?: number;
  readonly deletes?: number;
  readonly sent_bytes?: number;
  readonly received_bytes?: number;
}

/** The state of one part of the Store. */
export interface Status {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'status';
  readonly what: 'archive' | 'tail' | 'store' | 'journal' | 'disk' | 'scrub';
  readonly ok: boolean;
  readonly trouble?: string;
  readonly archive?: string;
  readonly number?: number;
  readonly when?: string;
  readonly age_seconds?: number;
  readonly target?: string;
  readonly lag_bytes?: number;
  readonly running?: boolean;
  readonly store?: string;
  readonly waiting_blocks?: number;
  readonly waiting_bytes?: number;
  readonly file?: string;
  readonly path?: string;
  readonly free_bytes?: number;
  readonly free_percent?: number;
}

/** The result of one check. */
export interface Check {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'doctor';
  readonly what: string;
  readonly found: string;
  readonly ok: boolean;
  readonly trouble?: string;
}

/** The result of sending. */
export interface Flushed {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'flush';
  readonly delivered_blocks: number;
  readonly delivered_bytes: number;
  readonly waiting_blocks: number;
}

/** The result of writing files from a one-file Store. */
export interface Extracted {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'ar';
  readonly file: string;
  /** The bytes of `file` in base64, where they are not UTF-8. */
  readonly file_b64?: string;
  readonly files: number;
  readonly dirs: number;
  readonly symlinks: number;
  readonly specials: number;
  readonly links: number;
  readonly skipped: number;
  readonly omitted: number;
  readonly bytes: number;
  readonly failures: number;
  readonly damaged: number;
  readonly denied: number;
}

/** A name in a one-file Store. */
export interface OneFileEntry {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'ar';
  readonly path: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly type: 'file' | 'dir' | 'symlink' | 'fifo' | 'socket' | 'char' | 'block' | 'indirect';
}

/** A one-file Store that was written. */
export interface OneFileWritten {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'ar';
  readonly file: string;
  /** The bytes of `file` in base64, where they are not UTF-8. */
  readonly file_b64?: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly written_bytes: number;
}

/** A one-file Store that was checked. */
export interface OneFileVerified {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'ar';
  readonly file: string;
  /** The bytes of `file` in base64, where they are not UTF-8. */
  readonly file_b64?: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly states: number;
  readonly faults: number;
}

/** A peer. */
export interface PeerInfo {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'peer';
  readonly peer: string;
  readonly specification: string;
  readonly reached: string;
  readonly latency_ms?: number;
  readonly hash: string;
  readonly write: boolean;
  readonly trouble?: string;
}

/** A key of a sealed Store. */
export interface Key {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'sealed-key';
  readonly key: string;
  readonly file?: string;
  readonly kind?: string;
  readonly since?: string;
}

/** A key that was added. */
export interface KeyAdded {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'sealed-key';
  readonly added: string;
}

/** A key that was revoked. */
export interface KeyRevoked {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'sealed-key';
  readonly revoked: string;
}

/** A Store that got the keys. */
export interface KeysShared {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'sealed-key';
  readonly shared: string;
}

/** The address that is served. */
export interface Serving {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'serve' | 'httpd';
  readonly serving: string;
}

/** Something found in a Store. */
export interface Finding {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'fsck' | 'scrub' | 'repair';
  readonly finding: 'harm' | 'archive' | 'index' | 'dropped' | 'data' | 'tail';
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly archive?: string;
  readonly number?: number;
  readonly block?: string;
  readonly fault?: string;
  readonly file?: string;
  readonly offset?: number;
  readonly line?: number;
  readonly start?: number;
  readonly end?: number;
  readonly count?: number;
  readonly reason?: string;
}

/** The end of a check. */
export interface Checked {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'fsck';
  readonly fsck: 'clean' | 'faults';
  readonly faults: number;
  readonly files?: number;
  readonly packs?: number;
  readonly bytes: number;
  readonly records?: number;
  readonly indexed?: number;
  readonly blocks?: number;
  readonly roots: number;
  readonly dirs: number;
  readonly entries: number;
  readonly seconds: number;
}

/** The end of a scrub. */
export interface Scrubbed {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'scrub';
  readonly scrub: 'clean' | 'faults';
  readonly faults: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly total_bytes: number;
  readonly never_verified_bytes: number;
  readonly oldest?: string;
  readonly damaged_blocks: number;
  readonly salvaged_blocks: number;
  readonly seconds: number;
}

/** A Block that was restored. */
export interface BlockRepaired {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'repair';
  readonly repaired: string;
  readonly from: string;
}

/** The end of a repair. */
export interface Repaired {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'repair';
  readonly repair: 'whole' | 'faults';
  readonly repaired_blocks: number;
  readonly missing_blocks: number;
}

/** The result of a gc. */
export interface Collected {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'gc';
  readonly plan?: true;
  readonly freed_blocks: number;
  readonly freed_bytes: number;
  readonly copied_bytes: number;
  readonly dropped_files: number;
  readonly files: number;
  readonly live_blocks: number;
  readonly roots: number;
  readonly kept_blocks: number;
  readonly kept_bytes: number;
  readonly unreadable?: readonly string[];
  readonly sessions: number;
  readonly seconds: number;
}

/** The result of a gc in a bucket. */
export interface BucketCollected {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'gc';
  readonly plan?: true;
  readonly removed_packs: number;
  readonly removed_bytes: number;
  readonly retired_packs: number;
  readonly retired_bytes: number;
  readonly copied_bytes: number;
  readonly packs: number;
  readonly young_packs: number;
  readonly locked_packs: number;
  readonly live_blocks: number;
  readonly roots: number;
  readonly sessions: number;
  readonly unreadable?: readonly string[];
  readonly seconds: number;
}

/** An archive of a transition. */
export interface TransitionArchive {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'transition';
  readonly archive: string;
  readonly plan?: true;
  readonly states: number;
  readonly new_states?: number;
}

/** A reference under both hash functions. */
export interface TransitionReference {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'transition';
  readonly before: string;
  readonly after: string;
}

/** The result of a comparison. */
export interface TransitionVerified {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'transition';
  readonly verified: number;
  readonly blocks: number;
  readonly bytes: number;
  readonly faults: number;
}

/** The end of a transition. */
export interface TransitionCounts {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'transition';
  readonly transition: string;
  readonly hash: string;
  readonly blocks: number;
  readonly bytes: number;
  readonly dirs: number;
  readonly seconds: number;
}

/** How much a transition would read. */
export interface TransitionPlan {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'transition';
  readonly plan: true;
  readonly blocks: number;
  readonly bytes: number;
  readonly dirs: number;
  readonly faults: number;
}

/** How a local command ended. */
export interface LocalEnd {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: '!';
  readonly exit_status: number;
}

/** How a local file is cut. */
export interface Survey {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'blockify';
  readonly local: string;
  /** The bytes of `local` in base64, where they are not UTF-8. */
  readonly local_b64?: string;
  readonly parser: string;
  readonly bytes: number;
  readonly leaves: number;
  readonly leaf_bytes: number;
  readonly min_size: number;
  readonly mean_size: number;
  readonly max_size: number;
  readonly literals: number;
  readonly runs: number;
  readonly run_bytes: number;
  readonly nul_runs: number;
  readonly nul_bytes: number;
  readonly unique_leaves: number;
  readonly unique_bytes: number;
  readonly histogram: readonly {
    readonly min_size: number;
    readonly leaves: number;
    readonly bytes: number;
  }[];
  readonly ms: {
    readonly read: number;
    readonly kernel: number;
    readonly parser: number;
    readonly picker: number;
    readonly hash: number;
  };
  readonly seconds: number;
  readonly bytes_per_second: number;
  readonly edges?: readonly {
    readonly offset: number;
    readonly size: number;
    readonly kind: string;
    readonly octet?: number;
    readonly digest?: string;
  }[];
}

/** The text of help. */
export interface Help {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'help';
  readonly help: string;
}

/** A JSON Schema. */
export interface PrintedSchema {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'help';
  readonly schema: unknown;
}

/** A setting of the session and its origin. */
export interface ConfigItem {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'config';
  readonly name: string;
  readonly value: string | null;
  readonly from: string;
  readonly absent?: true;
}

/** A line that was typed. */
export interface Typed {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'history';
  readonly number: number;
  readonly line: string;
}

/** A setting. */
export interface Setting {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'set' | 'timing';
  readonly setting: string;
  readonly value: string;
}

/** An alias. */
export interface Alias {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'alias';
  readonly alias: string;
  readonly line: string;
}

/** A line in the background. */
export interface JobInfo {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'jobs';
  readonly number: number;
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  readonly line: string;
  readonly progress?: string;
}

/** The version. */
export interface Version {
  readonly id?: string | number;
  readonly job?: number;
  readonly command: 'version';
  readonly version: string;
}

/** Whether a command changed the tree, and its Dirref; null while changes wait for the next sync. */
export interface Changed {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly changed: boolean;
  readonly dirref: string | null;
  readonly plan?: true;
}

/** What would be done, under -n. */
export interface Planned {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly plan: string;
}

/** The help of a command, for --help. */
export interface Explained {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly help: string;
}

/** An error that ended a command, or the program. */
export interface Problem {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly error: string;
  readonly code?: string;
  readonly errno?: string;
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly remedy?: string;
  readonly status: number;
  readonly where?: string;
  readonly column?: number;
}

/** An item that failed while its command went on. */
export interface Failure {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly failure: string;
  readonly code?: string;
  readonly errno?: string;
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly remedy?: string;
  readonly status: number;
}

/** A job that was started. */
export interface JobStarted {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly line: string;
}

/** A job that has ended. */
export interface JobEnded {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly line: string;
  readonly state: 'done' | 'failed' | 'cancelled';
  readonly status: number;
  readonly error?: string;
}

/** What a person is warned of. */
export interface Warning {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly warning: string;
}

/** What a person is told beside the results. */
export interface Note {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly note: string;
}

/** How far a command is, with --progress=json. */
export interface Progress {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly progress: {
    readonly label: string;
    readonly done_bytes: number;
    readonly total_bytes?: number;
    readonly done_items?: number;
    readonly new_blocks?: number;
    readonly existing_blocks?: number;
    readonly bytes_per_second?: number;
    readonly seconds_left?: number;
    readonly lag_bytes?: number;
    readonly lag_ms?: number;
  };
}

/** The last object of the answer to a request. */
export interface Done {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly done: true;
  readonly error?: string;
  readonly code?: string;
  readonly errno?: string;
  readonly path?: string;
  /** The bytes of `path` in base64, where they are not UTF-8. */
  readonly path_b64?: string;
  readonly remedy?: string;
  readonly status: number;
  readonly where?: string;
  readonly column?: number;
}

/** The Dirref of the tree, at the end of a session. */
export interface Recited {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly dirref: string;
}

/** The end of a session by a signal. */
export interface Ended {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly ended: 'terminated';
  readonly status: number;
  readonly dirref: string;
}

/** What vtftp --help prints. */
export interface ProgramHelp {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly help: string;
}

/** What vtftp --version prints. */
export interface ProgramVersion {
  readonly id?: string | number;
  readonly job?: number;
  readonly command?: string;
  readonly version: string;
}

/** What any command may print beside its own objects. */
export type AnyRecord = Changed | Planned | Explained;

/** The objects of each command that has some of its own. */
export interface Records {
  readonly pwd: WorkingPath;
  readonly cd: WorkingPath;
  readonly lpwd: LocalWorkingPath;
  readonly lcd: LocalWorkingPath;
  readonly bookmark: Bookmark;
  readonly ls: Entry;
  readonly tree: Entry;
  readonly find: Entry;
  readonly locate: Located;
  readonly conflicts: Conflict;
  readonly du: Usage;
  readonly df: DiskUse;
  readonly stat: Metadata;
  readonly inspect: Inspection;
  readonly cat: Content;
  readonly less: OutputPart;
  readonly head: Content;
  readonly tail: Content;
  readonly get: Got | GetEffect;
  readonly put: Put;
  readonly follow: Begun;
  readonly watch: Begun;
  readonly tails: Tail;
  readonly untail: Forgotten;
  readonly bind: Bound;
  readonly join: Joined;
  readonly merge: Conflict | News | Merged;
  readonly pull: PulledState | PulledNothing | PulledStates | PulledBlocks | News;
  readonly push: PushedState | PushedNothing | PushedStates | PushedBlocks;
  readonly publish: Published;
  readonly share: Link;
  readonly open: Opened;
  readonly sync: Synced;
  readonly undo: Undone;
  readonly redo: Redone;
  readonly restore: Restored;
  readonly log: State | PathState;
  readonly diff: Difference | Patch | Range | DirChanges | DifferenceCounts;
  readonly cmp: Comparison;
  readonly tag: Marks;
  readonly protect: Marks;
  readonly unprotect: Marks;
  readonly forget: Kept | ForgottenCounts;
  readonly mount: Mounted | ExcludedGone;
  readonly umount: Unmounted;
  readonly mounts: Mount;
  readonly archives: ArchiveNewest;
  readonly stores: StoreInfo;
  readonly status: Status;
  readonly doctor: Check;
  readonly flush: Flushed;
  readonly ar: Extracted | OneFileEntry | OneFileWritten | OneFileVerified | OutputPart;
  readonly peer: PeerInfo;
  readonly 'sealed-key': Key | KeyAdded | KeyRevoked | KeysShared;
  readonly serve: Serving;
  readonly httpd: Serving;
  readonly fsck: Finding | Checked;
  readonly scrub: Finding | Scrubbed;
  readonly repair: Finding | BlockRepaired | Repaired;
  readonly gc: Collected | BucketCollected;
  readonly transition: TransitionArchive | TransitionReference | TransitionVerified | TransitionCounts | TransitionPlan;
  readonly '!': OutputPart | LocalEnd;
  readonly lls: OutputPart;
  readonly blockify: Survey;
  readonly help: Help | PrintedSchema;
  readonly config: ConfigItem;
  readonly history: Typed;
  readonly set: Setting;
  readonly timing: Setting;
  readonly alias: Alias;
  readonly jobs: JobInfo;
  readonly version: Version;
}
