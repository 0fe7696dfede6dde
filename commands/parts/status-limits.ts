/** Percent of a disk that are free where all is well, by default. */
export const MIN_FREE_PERCENT = 5;
