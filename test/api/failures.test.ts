import { join } from 'node:path';
import Database from 'better-sqlite3';
import { graphql, GraphQLError, GraphQLObjectType, GraphQLSchema, GraphQLString } from 'graphql';
import { describe, expect, it } from 'vitest';
import { toClientError } from '../../src/schema/errors.ts';
import { codeOf } from '../support/graphql-client.ts';
import { endSession, sendChunk, sendChunks, speechChunks, START, startSession } from '../support/operations.ts';
import { startTestServer } from '../support/server.ts';

describe('when the disk is nearly full', () => {
  it('audio is refused before it is acknowledged, and sessions can still be ended', async () => {
    const server = await startTestServer({ storageReserveBytes: Number.MAX_SAFE_INTEGER });
    try {
      const id = await startSession(server.client);
      expect(codeOf(await sendChunk(server.client, id, 0, Buffer.alloc(3_200)))).toBe('STORAGE_FULL');
      expect(await endSession(server.client, id)).toMatchObject({ status: 'COMPLETED', nextSequence: 0 });
    } finally {
      await server.stop();
    }
  });
});

describe('when the database is locked by another program', () => {
  it('audio is acknowledged all the same, and only new sessions have to wait', { timeout: 60_000 }, async () => {
    const server = await startTestServer();
    const other = new Database(join(server.dataDirectory, 'verbatim.db'));
    try {
      const id = await startSession(server.client);
      other.exec('BEGIN IMMEDIATE');
      const refused = server.client.request(START, { input: {} });
      const chunks = speechChunks(['alpha', { silenceMs: 1_000 }]);
      expect(await sendChunks(server.client, id, chunks)).toMatchObject({ nextSequence: chunks.length });
      expect(codeOf(await refused)).toBe('DATABASE_UNAVAILABLE');
      other.exec('ROLLBACK');
      expect(await endSession(server.client, id)).toMatchObject({ statistics: { totalSegments: 1 } });
    } finally {
      other.close();
      await server.stop();
    }
  });
});

describe('an error that nobody foresaw', () => {
  it('is told as an id only, under which the log has it', async () => {
    const logged: { errorId?: unknown; err?: unknown }[] = [];
    const silent = () => undefined;
    const logger = { debug: silent, info: silent, warn: silent, error: (fields: object) => logged.push(fields) };
    const secret = new Error('connection string with a password');
    const schema = new GraphQLSchema({
      query: new GraphQLObjectType({
        name: 'Query',
        fields: {
          broken: {
            type: GraphQLString,
            resolve: () => {
              throw secret;
            },
          },
        },
      }),
    });
    const { errors } = await graphql({ schema, source: '{ broken }' });
    const error = toClientError(errors?.[0], logger);
    expect(error.path).toEqual(['broken']);
    expect(error.extensions['code']).toBe('INTERNAL_SERVER_ERROR');
    expect(JSON.stringify(error)).not.toContain('password');
    expect(logged).toEqual([{ errorId: error.extensions['errorId'], err: secret }]);
    // Telling it again changes nothing and logs nothing more.
    expect(toClientError(error, logger)).toBe(error);
    expect(logged).toHaveLength(1);
  });

  it('of graphql-js itself keeps its message, cut when it quotes a long value', () => {
    const logger = { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined };
    const error = toClientError(new GraphQLError(`Got ${'x'.repeat(100_000)}; expected Int`), logger);
    expect(error.extensions['code']).toBe('BAD_USER_INPUT');
    expect(error.message.length).toBeLessThan(600);
    expect(error.message).toMatch(/^Got x.* … .*; expected Int$/u);
  });
});
