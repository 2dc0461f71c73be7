/** SHA-256: by WebCrypto, or by own code on pages without it (plain HTTP). */

/**
 * Return the SHA-256 of bytes as 64 lower-case hex digits.
 * @param {Uint8Array} bytes
 */
export async function sha256(bytes) {
  const { subtle } = globalThis.crypto ?? {};
  if (!subtle) return sha256Own(bytes);
  const source = /** @type {Uint8Array<ArrayBuffer>} */ (bytes);
  return toHex(new Uint8Array(await subtle.digest("SHA-256", source)));
}

/** @param {Uint8Array} bytes */
const toHex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** The first 32 bits of the fractions of roots of the first primes: FIPS 180-4, sections 4.2, 5.3. */
const [STEPS, START] = makeConstants();

function makeConstants() {
  /** @type {number[]} */
  const primes = [];
  for (let n = 2; primes.length < 64; n++) if (primes.every((p) => n % p)) primes.push(n);
  const fraction = (/** @type {number} */ root) => (root - Math.floor(root)) * 2 ** 32;
  return [
    Uint32Array.from(primes, (p) => fraction(Math.cbrt(p))),
    Uint32Array.from(primes.slice(0, 8), (p) => fraction(Math.sqrt(p))),
  ];
}

/**
 * Return the SHA-256 of bytes without WebCrypto (FIPS 180-4, section 6.2).
 * @param {Uint8Array} bytes
 */
export function sha256Own(bytes) {
  const state = START.slice();
  const schedule = new Uint32Array(64);
  const whole = bytes.length - (bytes.length % 64);
  const data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  for (let at = 0; at < whole; at += 64) compress(state, schedule, data, at);
  const rest = bytes.length - whole;
  const tail = new DataView(new ArrayBuffer(rest < 56 ? 64 : 128));
  for (let i = 0; i < rest; i++) tail.setUint8(i, bytes[whole + i]);
  tail.setUint8(rest, 0x80);
  tail.setUint32(tail.byteLength - 8, Math.floor(bytes.length / 2 ** 29));
  tail.setUint32(tail.byteLength - 4, bytes.length * 8);
  for (let at = 0; at < tail.byteLength; at += 64) compress(state, schedule, tail, at);
  const digest = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => digest.setUint32(4 * i, word));
  return toHex(new Uint8Array(digest.buffer));
}

/**
 * @param {Uint32Array} state
 * @param {Uint32Array} w
 * @param {DataView} data
 * @param {number} at
 */
function compress(state, w, data, at) {
  for (let i = 0; i < 16; i++) w[i] = data.getUint32(at + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [x, y] = [w[i - 15], w[i - 2]];
    const s0 = rotate(x, 7) ^ rotate(x, 18) ^ (x >>> 3);
    const s1 = rotate(y, 17) ^ rotate(y, 19) ^ (y >>> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i++) {
    const s1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const t1 = (h + s1 + ((e & f) ^ (~e & g)) + STEPS[i] + w[i]) | 0;
    const s0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const t2 = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + t1) | 0, c, b, a, (t1 + t2) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}

/** @param {number} x @param {number} n */
const rotate = (x, n) => (x >>> n) | (x << (32 - n));
