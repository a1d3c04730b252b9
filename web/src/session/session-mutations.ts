import { useMutation } from 'urql';
import { graphql } from '../api/graphql.ts';
import { sentenceOf } from '../api/client.ts';

const RenameMutation = graphql(`
  mutation RenameSession($input: UpdateSessionInput!) {
    updateSession(input: $input) {
      session {
        id
        title
      }
    }
  }
`);

const DeleteMutation = graphql(`
  mutation DeleteSession($input: DeleteSessionInput!) {
    deleteSession(input: $input) {
      deletedSessionId
    }
  }
`);

/** @returns what went wrong, as a sentence; `null`: it is done */
export type Change<Args extends readonly unknown[]> = (...args: Args) => Promise<string | null>;

export function useRename(): Change<[id: string, title: string | null]> {
  const [, rename] = useMutation(RenameMutation);
  return async (sessionId, title) => {
    const { error } = await rename({ input: { sessionId, title } });
    return error === undefined ? null : sentenceOf(error);
  };
}

export function useDelete(): Change<[id: string]> {
  const [, remove] = useMutation(DeleteMutation);
  return async (sessionId) => {
    const { error } = await remove({ input: { sessionId } });
    return error === undefined ? null : sentenceOf(error);
  };
}
