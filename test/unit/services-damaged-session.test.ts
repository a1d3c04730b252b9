import { rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { synthesiseToneSpeech } from '../../src/recognition/scripted/tone-speech.ts';
import { bytesOf } from '../support/recognition.ts';
import { useServices } from '../support/services.ts';
import { until } from '../support/wait.ts';

const current = useServices({ batchSize: 1 });
const CHUNK = new Uint8Array(3_200);

it('a session whose logs are damaged takes no more audio, and says so, while others go on', async () => {
  const request = { externalId: null, title: null, language: 'en', speakers: [], metadata: null };
  const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
  const { id } = await current().sessions.start({ ...request, audioFormat });
  await current().audio.send(id, 0, CHUNK);
  const file = path.join(current().directory, 'sessions', id, 'audio.log');
  await current().restart();
  await current().stop(5_000);
  await writeFile(file, 'this is not a log at all, and nobody knows what it was');
  const { sessions, audio, reader } = await current().restart();

  const refusal = { code: 'SESSION_NOT_ACTIVE', message: expect.stringMatching(/damaged.*Start a new session/u) };
  await expect(audio.send(id, 1, CHUNK)).rejects.toMatchObject(refusal);
  await expect(sessions.end(id, null)).rejects.toMatchObject(refusal);
  expect(await reader.session(id)).toMatchObject({ id });

  const other = await sessions.start({ ...request, audioFormat });
  expect(await audio.send(other.id, 0, CHUNK)).toMatchObject({ nextSequence: 1 });
});

it('a session that lost both of its logs keeps the segments that the database has', async () => {
  const audioFormat = { encoding: 'PCM_S16LE', sampleRate: 16_000, channels: 1 } as const;
  const request = { externalId: null, title: null, language: 'en', speakers: [], metadata: null, audioFormat };
  const { id } = await current().sessions.start(request);
  const speech = synthesiseToneSpeech(['alpha', { silenceMs: 800 }, 'bravo', { silenceMs: 800 }], 16_000);
  await current().audio.send(id, 0, bytesOf(speech));
  const all = { sessionId: id, afterSequence: 0, beforeSequence: Infinity, limit: 9, fromEnd: false };
  const texts = async () => (await current().reader.finalsOf(all)).map(({ text }) => text);
  await until(async () => (await texts()).length === 2);
  await current().restart();
  await current().stop(5_000);
  await rm(path.join(current().directory, 'sessions', id), { recursive: true });

  for (const _ of ['found out', 'found out again']) {
    await current().restart();
    await expect(current().sessions.end(id, 1)).rejects.toMatchObject({ code: 'SESSION_NOT_ACTIVE' });
    expect(await texts()).toEqual(['alpha', 'bravo']);
    expect(await current().database.store.findSession(id)).toMatchObject({ statistics: { totalSegments: 2 } });
  }
});
