import type { SessionFilter } from '../database/lists.ts';
import { builder } from './builder.ts';
import { searchText } from './search-text.ts';
import { SessionStatusRef } from './session-status.ts';

export const SessionFilterInput = builder.inputType('SessionFilter', {
  description: 'Which sessions: those that meet every condition given.',
  fields: (t) => ({
    statuses: t.field({ type: [SessionStatusRef], description: 'In one of these states.' }),
    externalId: t.string({ description: "With exactly this client's name." }),
    language: t.string({ description: 'In exactly this language tag.' }),
    titleContains: t.string({
      description: 'With this in the title, 1,000 characters at most; case is ignored for ASCII letters.',
    }),
    from: t.field({ type: 'DateTime', description: 'Created at this instant or later.' }),
    to: t.field({ type: 'DateTime', description: 'Created before this instant.' }),
  }),
});

/** The conditions that were given: null is none. @throws ServiceError `BAD_USER_INPUT` */
export function toSessionFilter(input: typeof SessionFilterInput.$inferInput | null | undefined): SessionFilter {
  return {
    statuses: input?.statuses ?? undefined,
    externalId: input?.externalId ?? undefined,
    language: input?.language ?? undefined,
    titleContains: searchText('titleContains', input?.titleContains),
    from: input?.from ?? undefined,
    to: input?.to ?? undefined,
  };
}
