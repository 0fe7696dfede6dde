import type { RecordFields, RecordSpec } from '../words/record-spec.ts';

// Objects of `--json` that several commands print.

/** Kinds of entries. */
export const ENTRY_TYPE = { choices: ['file', 'dir', 'symlink', 'fifo', 'socket', 'char', 'block', 'indirect'] } as const;

const ENTRY_FIELDS = {
  path: 'name',
  name: 'name',
  type: ENTRY_TYPE,
  size: 'integer',
  mode: 'text',
  nlink: 'integer',
  uid: 'integer?',
  gid: 'integer?',
  user: 'name?',
  group: 'name?',
  mtime: 'time?',
  target: 'name?',
  rdev: 'text?',
} as const satisfies RecordFields;

/** What `ls` and `find` print. */
export const ENTRY_RECORD: RecordSpec = { name: 'Entry', summary: 'a name in a tree', fields: ENTRY_FIELDS };

/** All metadata of an entry. */
export const METADATA_FIELDS = {
  ...ENTRY_FIELDS,
  ctime: 'time?',
  btime: 'time?',
  xattrs: { fields: { name: 'name', value_b64: 'base64' }, list: true, optional: true },
} as const satisfies RecordFields;

/** A part of the content of a path. */
export const CONTENT_RECORD: RecordSpec = {
  name: 'Content',
  summary: 'a part of the content of a path',
  fields: { path: 'name', data_b64: 'base64' },
};

/** Output without a path: of a local command, or an archive on standard output. */
export const OUTPUT_RECORD: RecordSpec = { name: 'OutputPart', summary: 'a part of an output', fields: { data_b64: 'base64' } };

/** A difference that a merge or pull brings. */
export const NEWS_RECORD: RecordSpec = {
  name: 'News',
  summary: 'a name that is new, changed, removed or only here',
  fields: { change: { choices: ['new', 'changed', 'removed', 'only here'] }, path: 'name' },
};

/** What `fsck`, `scrub` and `repair` find. */
export const FINDING_RECORD: RecordSpec = {
  name: 'Finding',
  summary: 'something found in a Store',
  fields: {
    finding: { choices: ['harm', 'archive', 'index', 'dropped', 'data', 'tail'] },
    path: 'name?',
    archive: 'text?',
    number: 'integer?',
    block: 'text?',
    fault: 'text?',
    file: 'text?',
    offset: 'integer?',
    line: 'integer?',
    start: 'integer?',
    end: 'integer?',
    count: 'integer?',
    reason: 'text?',
  },
};

/** Leaves of a content by their sizes. */
export const HISTOGRAM_FIELD = { fields: { min_size: 'integer', leaves: 'integer', bytes: 'integer' }, list: true } as const;

/** Counts of written files, for `get` and `ar -x`. */
export const EXPORT_FIELDS = {
  files: 'integer',
  dirs: 'integer',
  symlinks: 'integer',
  specials: 'integer',
  links: 'integer',
  skipped: 'integer',
  omitted: 'integer',
  bytes: 'integer',
  failures: 'integer',
  damaged: 'integer',
  denied: 'integer',
} as const satisfies RecordFields;

/** The first record of `follow` and `watch`. */
export const BEGUN_RECORD: RecordSpec = {
  name: 'Begun',
  summary: 'a follow or watch that has started',
  fields: { path: 'name', local: 'text', files: 'integer', absent: 'integer', bytes: 'integer', new_bytes: 'integer' },
};

/** The address of a server. */
export const SERVING_RECORD: RecordSpec = { name: 'Serving', summary: 'the address that is served', fields: { serving: 'text' } };

/** Tags and protection of a state. */
export const MARKS_RECORD: RecordSpec = {
  name: 'Marks',
  summary: 'the tags and the protection of a state',
  fields: { number: 'integer', tags: 'text[]', protected: 'boolean' },
};

/** A mount that was made or removed. */
export const MOUNTED_RECORD: RecordSpec = {
  name: 'Mounted',
  summary: 'a mount',
  fields: { mounted: 'text', pid: 'integer?' },
};

/** A conflict, for `merge` and `conflicts`. */
export const CONFLICT_RECORD: RecordSpec = {
  name: 'Conflict',
  summary: 'a name that two sides changed',
  fields: {
    conflict: { choices: ['both-changed', 'removed-by-us', 'removed-by-them', 'both-renamed', 'metadata'] },
    path: 'name',
    took: { choices: ['ours', 'theirs', 'both'], optional: true },
    theirs: 'name?',
    fields: { fields: { field: 'text', ours: 'text?', theirs: 'text?', taken: 'text?' }, list: true, optional: true },
  },
};
