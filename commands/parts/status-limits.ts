/** Percent of a disk that are free where all is well, unless told otherwise. */
export const MIN_FREE_PERCENT = 5;
