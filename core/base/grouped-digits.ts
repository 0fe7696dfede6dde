/**
 * A whole number in decimal digits, with a comma before every third: 1234567 is "1,234,567". `toLocaleString` gives the
 * same, at 25 ms for its first call, which loads the tables of all languages.
 */
export function groupedDigits(count: number): string {
  return String(count).replace(/\B(?=(?:\d{3})+$)/g, ',');
}
