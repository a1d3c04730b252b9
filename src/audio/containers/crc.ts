/** Tables for CRCs whose most significant bit goes first, with an initial value of 0. */
function table(bits: 8 | 16 | 32, polynomial: number): Uint32Array {
  const top = 2 ** (bits - 1);
  return Uint32Array.from({ length: 256 }, (_, byte) => {
    let crc = byte * 2 ** (bits - 8);
    for (let bit = 0; bit < 8; bit++) crc = ((crc & top) !== 0 ? (crc << 1) ^ polynomial : crc << 1) >>> 0;
    return bits === 32 ? crc : crc & (2 ** bits - 1);
  });
}

const CRC8 = table(8, 0x07);
const CRC16 = table(16, 0x8005);
const CRC32 = table(32, 0x04c1_1db7);

/** Of a FLAC frame's header (RFC 9639, section 9.1.8). */
export function flacCrc8(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) crc = CRC8[crc ^ (bytes[at] ?? 0)] ?? 0;
  return crc;
}

/** Goes on with the CRC of a FLAC frame (RFC 9639, section 9.3); 0 behind a whole frame. */
export function flacCrc16Step(crc: number, byte: number): number {
  return ((crc << 8) & 0xffff) ^ (CRC16[(crc >> 8) ^ byte] ?? 0);
}

/** Of an Ogg page, whose own field (bytes 22 to 25) counts as zero (RFC 3533, section 6). */
export function oggPageCrc(bytes: Uint8Array, start: number, end: number): number {
  let crc = 0;
  for (let at = start; at < end; at++) {
    const isField = at - start >= 22 && at - start < 26;
    const byte = isField ? 0 : (bytes[at] ?? 0);
    crc = ((crc << 8) ^ (CRC32[(crc >>> 24) ^ byte] ?? 0)) >>> 0;
  }
  return crc;
}
