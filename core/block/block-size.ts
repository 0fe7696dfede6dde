/** Maximum size of one Block of contents, in bytes. It bounds the buffers of readers and the settings of writers. */
export const MAX_BLOCK_SIZE = 16 * 1024 * 1024;
