import { ServiceError } from '../services/errors.ts';

export type NodeTypeName = 'Session' | 'Segment';

const DECODED = /^(\w+):(.+)$/su;

/** A Relay global id: base64 of `<type>:<id>`. https://relay.dev/graphql/objectidentification.htm */
export function encodeGlobalId(typename: string, id: string): string {
  return Buffer.from(`${typename}:${id}`).toString('base64');
}

/** `null` when it is no id that `encodeGlobalId` makes. */
export function decodeGlobalId(globalId: string): { typename: string; id: string } | null {
  const [, typename, id] = DECODED.exec(Buffer.from(globalId, 'base64').toString()) ?? [];
  if (typename === undefined || id === undefined || encodeGlobalId(typename, id) !== globalId) return null;
  return { typename, id };
}

/**
 * The id of an object of type `typename`.
 * @throws ServiceError `BAD_USER_INPUT` when the global id is malformed or of another type.
 */
export function idOf(typename: NodeTypeName, globalId: string): string {
  const decoded = decodeGlobalId(globalId);
  if (decoded?.typename === typename) return decoded.id;
  const what = decoded === null ? 'no id of this server' : `the id of another type`;
  throw new ServiceError('BAD_USER_INPUT', `This is ${what}: use the \`id\` field of a ${typename}.`);
}
