/** The version of the program: package.json's, as a test holds. */
export const VERSION = '0.1.0';
