/** Octets examined. */
const SAMPLES = 256;
/** Below this many octets there is nothing to compress. */
const MIN_SIZE = 64;
/**
 * Of 256 octets that are as good as random the squares of how often each value comes add up to 512, give or take 25. Those of text make
 * 3,000 and more, those of programs 1,500.
 */
const MAX_RANDOM = 680;

const counts = new Uint16Array(256);

/**
 * Whether it is worth trying to compress some octets: not where their values come equally often, as in archives, pictures and what is
 * sealed. It looks at 256 of them.
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
