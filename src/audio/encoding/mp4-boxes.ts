/** A box: its size in bytes, its type of four characters, and what is in it (ISO/IEC 14496-12, section 4.2). */
export function box(type: string, ...content: readonly Uint8Array[]): Buffer {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(content.reduce((sum, { length }) => sum + length, header.length));
  header.write(type, 4, 'latin1');
  return Buffer.concat([header, ...content]);
}

/** A box with a version and flags (section 4.2.2). */
export function fullBox(type: string, version: number, flags: number, ...content: readonly Uint8Array[]): Buffer {
  return box(type, uint32((version << 24) | flags), ...content);
}

/** The header of a box whose content, of so many bytes, comes behind it; for any size. */
export function boxHeader(type: string, contentBytes: number): Buffer {
  const header = Buffer.alloc(16);
  // The size proper is behind the type.
  header.writeUInt32BE(1);
  header.write(type, 4, 'latin1');
  header.writeBigUInt64BE(BigInt(header.length + contentBytes), 8);
  return header;
}

export function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

export function uint8(...values: readonly number[]): Buffer {
  return Buffer.from(values);
}

export function uint16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value & 0xffff, 2 * index);
  return bytes;
}

export function uint32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length);
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index);
  return bytes;
}

export function uint64(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(8 * values.length);
  for (const [index, value] of values.entries()) bytes.writeBigUInt64BE(BigInt(value), 8 * index);
  return bytes;
}
