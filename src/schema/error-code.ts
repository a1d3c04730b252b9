import type { ErrorCode } from '../services/errors.ts';
import { builder } from './builder.ts';

/** No field has this type: it documents the codes for people, and for the generators of clients' types. */
builder.enumType('ErrorCode', {
  description:
    'The codes in `errors[].extensions.code`. They are stable; the message beside them tells a person what to do next.',
  values: {
    BAD_USER_INPUT: { description: 'The request is wrong as it is: see the message.' },
    NOT_FOUND: { description: 'What is to be changed or followed does not exist.' },
    SESSION_NOT_ACTIVE: { description: 'The session is over and takes no more audio.' },
    SESSION_CONFLICT: {
      description: 'The `externalId` belongs to a session that is over, or of another audio format.',
    },
    AUDIO_OUT_OF_ORDER: {
      description: 'A chunk is missing: send on from `extensions.expectedSequence`; all chunks below are stored.',
    },
    AUDIO_CONFLICT: { description: 'Another chunk was stored under this number: two clients may be sending.' },
    AUDIO_TOO_LARGE: { description: 'The chunk is over the limit: send it in smaller ones.' },
    AUDIO_MALFORMED: { description: 'The chunk is empty, or not in the format of its session.' },
    DATABASE_UNAVAILABLE: { description: 'The database does not answer now: try again.' },
    OVERLOADED: { description: 'The server takes no more sessions now: try again after `extensions.retryAfterMs`.' },
    STORAGE_FULL: { description: 'The chunk could not be stored: keep it and send it again later.' },
    UNAUTHENTICATED: { description: 'The token is missing or wrong.' },
    FORBIDDEN: { description: 'Not from this place: the `Host` or `Origin` is not allowed.' },
    RATE_LIMITED: { description: 'Too much at once: wait for answers first.' },
    INTERNAL_SERVER_ERROR: { description: 'Something broke; the server’s log says more under `extensions.errorId`.' },
  } satisfies Record<ErrorCode, { description: string }>,
});
