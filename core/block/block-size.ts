/** Largest size of one Block of contents, in bytes: a bound for readers' buffers and writers' settings. */
export const MAX_BLOCK_SIZE = 16 * 1024 * 1024;
