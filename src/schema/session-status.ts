import { builder } from './builder.ts';

export const SessionStatusRef = builder.enumType('SessionStatus', {
  description: 'Where a session stands.',
  values: {
    ACTIVE: { description: 'Takes audio.' },
    FINALIZING: { description: 'Was ended: what is left is being transcribed and stored.' },
    COMPLETED: { description: 'Is over; all of its audio is decided and all of its segments are in the database.' },
    FAILED: { description: 'Is over, and could not be completed.' },
  } as const,
});

export const EndReasonRef = builder.enumType('EndReason', {
  description: 'Why a session ended.',
  values: {
    CLIENT: { description: '`endSession` was called.' },
    IDLE_TIMEOUT: { description: 'No audio came for too long. The next correct chunk opens the session again.' },
    MAX_DURATION: { description: 'It reached the longest duration that the server allows.' },
    FAILURE: { description: 'Something broke.' },
  } as const,
});
