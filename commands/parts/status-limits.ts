/** Free percent of a disk below which `status` reports trouble, by default. */
export const MIN_FREE_PERCENT = 5;
