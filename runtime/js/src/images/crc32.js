/** CRC-32, the checksum of zip and PNG (ISO 3309). */

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

/**
 * Return the checksum of bytes; `start` is that of the bytes before them.
 * @param {Uint8Array} bytes
 */
export function crc32(bytes, start = 0) {
  let value = ~start;
  for (let i = 0; i < bytes.length; i++) value = (value >>> 8) ^ TABLE[(value ^ bytes[i]) & 255];
  return ~value >>> 0;
}
