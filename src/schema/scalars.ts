import { DateTimeResolver, JSONResolver } from 'graphql-scalars';
import { ServiceError } from '../services/errors.ts';
import { builder } from './builder.ts';

builder.addScalarType('DateTime', DateTimeResolver, {
  description: 'An instant as ISO 8601 with a time zone, for example `2026-03-14T09:26:53.589Z`.',
});

builder.addScalarType('JSON', JSONResolver, { description: 'Any JSON value.' });

builder.scalarType('Base64', {
  description: 'Bytes in standard base64 with padding (RFC 4648, section 4), without line breaks. Input only.',
  parseValue: decodeBase64,
  serialize: () => {
    throw new TypeError('Base64 is for input only');
  },
});

/** @throws ServiceError `AUDIO_MALFORMED` */
export function decodeBase64(value: unknown): Uint8Array {
  if (typeof value !== 'string') throw malformed('it is not a string');
  if (value.length % 4 !== 0) throw malformed('its length is not a multiple of 4');
  const padding = value.endsWith('==') ? 2 : Number(value.endsWith('='));
  const bytes = Buffer.from(value, 'base64');
  // Node skips what is not base64 and takes base64url too: what was skipped is missed in the length.
  const complete = bytes.byteLength === (value.length / 4) * 3 - padding;
  if (!complete || value.includes('-') || value.includes('_')) throw malformed('it has characters that do not belong');
  return bytes;
}

function malformed(why: string): ServiceError {
  return new ServiceError('AUDIO_MALFORMED', `Not base64 as of RFC 4648, section 4: ${why}.`);
}
