import SchemaBuilder from '@pothos/core';
import PrismaPlugin from '@pothos/plugin-prisma';
import RelayPlugin from '@pothos/plugin-relay';
import type PrismaTypes from '../database/generated/pothos.ts';
import { getDatamodel } from '../database/generated/pothos.ts';
import type { PrismaClient } from '../database/generated/prisma/client.ts';
import type { Services } from '../services/create-services.ts';
import type { RecordingFormat } from '../services/recordings/recordings.ts';
import { decodeGlobalId, encodeGlobalId } from './global-ids.ts';
import type { Loaders } from './loaders.ts';

/** What resolvers work with; made anew for each operation. */
export interface Context {
  readonly services: Services;
  readonly loaders: Loaders;
  /** Where the recording of the session with this global id can be fetched. */
  readonly recordingLink: (globalId: string, format: RecordingFormat) => string;
  /** Read by Pothos' own Prisma fields. Every write goes through `services`. */
  readonly database: PrismaClient;
}

/** The one schema that the types of this folder are added to. */
export const builder = new SchemaBuilder<{
  Context: Context;
  PrismaTypes: PrismaTypes;
  DefaultFieldNullability: false;
  DefaultEdgesNullability: { list: false; items: false };
  DefaultNodeNullability: false;
  Scalars: {
    ID: { Input: string; Output: string };
    DateTime: { Input: Date; Output: Date };
    Base64: { Input: Uint8Array; Output: never };
    JSON: { Input: unknown; Output: unknown };
  };
}>({
  plugins: [RelayPlugin, PrismaPlugin],
  defaultFieldNullability: false,
  prisma: { client: (context) => context.database, dmmf: getDatamodel() },
  relay: {
    encodeGlobalID: (typename, id) => encodeGlobalId(typename, String(id)),
    // Never throws: an id that names nothing is treated like that of something absent.
    decodeGlobalID: (id) => decodeGlobalId(id) ?? { typename: '', id },
    nodeTypeOptions: { description: 'Something that can be fetched again by its id.' },
    idFieldOptions: { description: 'Global id, opaque: unique among all types.' },
    nodeQueryOptions: {
      description: 'A session or a segment by its id; null when there is none.',
      args: { id: { description: 'Global id, as given by the `id` field.' } },
      nullable: true,
      resolve: (_root, { id }, _context, _info, resolveNode) =>
        id.typename === 'Session' || id.typename === 'Segment' ? resolveNode(id) : null,
    },
    nodesQueryOptions: false,
    pageInfoTypeOptions: { description: 'Where a page of a list stands in it (Relay cursor connections).' },
    hasNextPageFieldOptions: { description: 'Items follow the page.' },
    hasPreviousPageFieldOptions: { description: 'Items precede the page.' },
    startCursorFieldOptions: { description: 'Cursor of the first item; null when the page is empty.' },
    endCursorFieldOptions: { description: 'Cursor of the last item; null when the page is empty.' },
    edgesFieldOptions: { description: 'The items of the page.', nullable: { list: false, items: false } },
    nodeFieldOptions: { description: 'The item.', nullable: false },
    cursorFieldOptions: { description: 'Opaque; for `after` and `before` of this list.' },
    pageInfoFieldOptions: { description: 'Where the page stands in the list.' },
  },
});

builder.queryType({
  description:
    'Reads. A running session is read as it stands now, ahead of the database. An operation costs one for each value that its answer can have (a list: its page size times what stands within it) and 1,000 for a search across sessions; above 20,000 it is refused with `BAD_USER_INPUT`.',
});
builder.mutationType({
  description: 'Writes. A refused one changes nothing; its error has a stable code in `extensions.code`.',
});
builder.subscriptionType({ description: 'What happens from now on, or from where you left off.' });
