import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { expect, it } from 'vitest';
import { useServices } from '../support/services.ts';

const current = useServices();
const CHUNK = new Uint8Array(3_200);

it('a session whose logs are damaged takes no more audio, and says so, while others go on', async () => {
  const request = { externalId: null, title: null, language: 'en', metadata: null };
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
