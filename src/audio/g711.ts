// ITU-T Recommendation G.711 (11/88), "Pulse code modulation (PCM) of voice frequencies": tables 1 and 2. The decoded
// values are those of the Recommendation scaled to 16 bits (A-law has 13 of them, mu-law 14), as is usual.

/** The 16-bit amplitude of each mu-law byte. */
export const MULAW_AMPLITUDES: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => decodeMulaw(byte));

/** The 16-bit amplitude of each A-law byte. */
export const ALAW_AMPLITUDES: Int16Array = Int16Array.from({ length: 256 }, (_, byte) => decodeAlaw(byte));

function decodeMulaw(byte: number): number {
  // Transmitted inverted. 0x84 is the law's bias (33) at this scale.
  const code = ~byte & 0xff;
  const magnitude = ((((code & 0x0f) << 3) + 0x84) << ((code >> 4) & 0x07)) - 0x84;
  return code & 0x80 ? -magnitude : magnitude;
}

function decodeAlaw(byte: number): number {
  // Transmitted with the even bits inverted. Values lie in the middle of their interval, hence the added half steps.
  const code = byte ^ 0x55;
  const exponent = (code >> 4) & 0x07;
  const mantissa = (code & 0x0f) << 4;
  const magnitude = exponent === 0 ? mantissa + 8 : (mantissa + 0x108) << (exponent - 1);
  return code & 0x80 ? magnitude : -magnitude;
}
