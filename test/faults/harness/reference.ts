import { accountOf, checkSum, type Reference } from './account.ts';
import { Connection } from './connection.ts';
import type { Findings } from './findings.ts';
import { observe, type Observation } from './observer.ts';
import type { Random } from './random.ts';
import type { Recording } from './recording.ts';
import { SessionClient, type SessionClientParts } from './session-client.ts';

/** What a server makes of recordings when nothing disturbs it. @param url of the server */
export async function transcribeUndisturbed(
  recordings: readonly Recording[],
  url: string,
  parts: SessionClientParts,
  random: Random,
): Promise<ReadonlyMap<Recording, Reference>> {
  const connection = new Connection(url, parts.signal);
  const references = await Promise.all(
    recordings.map(async (recording): Promise<[Recording, Reference]> => {
      const client = new SessionClient(
        {
          externalId: recording.name,
          recording,
          reference: null,
          random: random.fork(`reference ${recording.name}`),
          paced: false,
          mischief: false,
        },
        parts,
      );
      await client.run();
      const sessionId = client.id ?? '';
      const observation = await observe(connection, sessionId);
      if (observation === null) throw new Error(`There is no transcript of ${recording.name}`);
      checkReference(recording, observation, parts.findings);
      const finals = observation.finals.map((segment) => accountOf(segment, sessionId));
      return [recording, { finals, coverage: observation.coverage }];
    }),
  );
  await connection.close();
  return new Map(references);
}

/** What everything is compared with must be right itself. */
function checkReference(recording: Recording, { finals, coverage }: Observation, findings: Findings): void {
  const where = `${recording.name}, undisturbed`;
  checkSum(where, coverage, findings);
  for (const [channel, text] of recording.texts.entries()) {
    const speaker = recording.speakers[channel] ?? null;
    const ofChannel = finals.filter((final) => final.channel === channel);
    const heard = ofChannel.map((final) => final.text).join(' ');
    findings.expect(heard === text, `${where}: "${text}" was said, "${heard}" was heard`);
    findings.expect(
      ofChannel.every((final) => final.speaker === speaker),
      `${where}: not all that ${speaker} said is under that name`,
    );
    findings.expect(
      ofChannel.every(({ startMs }, index) => startMs >= (ofChannel[index - 1]?.endMs ?? 0)),
      `${where}: the finals of a channel overlap: ${JSON.stringify(ofChannel)}`,
    );
  }
}
