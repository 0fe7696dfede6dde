/** Number of octets examined. */
const SAMPLES = 256;
/** Fewer octets than this are not worth compressing. */
const MIN_SIZE = 64;
/**
 * The limit for the sum of squares of the value frequencies in 256 octets. For random octets the sum is about 512 ± 25, for programs
 * 1,500, and for text 3,000 and more.
 */
const MAX_RANDOM = 680;

const counts = new Uint16Array(256);

/**
 * Estimates from 256 octets whether compression is worth trying. It is not if all values are equally frequent, as in compressed archives,
 * pictures and sealed data.
 */
export function mayCompress(data: Uint8Array): boolean {
  const { length } = data;
  if (length < SAMPLES) return length >= MIN_SIZE;
  counts.fill(0);
  const step = length / SAMPLES;
  for (let i = 0; i < SAMPLES; i++) {
    const value = data[Math.floor(i * step)] as number;
    counts[value] = (counts[value] as number) + 1;
  }
  let squares = 0;
  for (const count of counts) squares += count * count;
  return squares > MAX_RANDOM;
}
