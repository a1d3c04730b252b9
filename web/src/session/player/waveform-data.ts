import type { Client } from 'urql';
import { graphql, type ResultOf } from '../../api/graphql.ts';

const WaveformQuery = graphql(`
  query Waveform($id: ID!, $count: Int!) {
    session(id: $id) {
      waveform(count: $count) {
        durationMs
        measuredMs
        stretchMs
        peaks
      }
    }
  }
`);

export type WaveformData = NonNullable<NonNullable<ResultOf<typeof WaveformQuery>['session']>['waveform']>;

/** As many as a wide screen has room for. */
const STRETCHES = 1_000;
const WHILE_MEASURED_MS = 2_000;
const WHILE_LIVE_MS = 10_000;

/** Gives the waveform, and again as it grows. @returns what ends that */
export function followWaveform(
  client: Client,
  id: string,
  isLive: boolean,
  onWaveform: (waveform: WaveformData) => void,
): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const ask = async () => {
    const { data } = await client.query(WaveformQuery, { id, count: STRETCHES }).toPromise();
    if (isOver) return;
    const waveform = data?.session?.waveform ?? null;
    if (waveform !== null) onWaveform(waveform);
    const isMeasured = waveform !== null && waveform.measuredMs >= waveform.durationMs;
    // Without an answer it is asked again like that of a session that runs; without a recording nothing will come.
    if (isMeasured ? isLive : waveform !== null || data === undefined)
      timer = setTimeout(() => void ask(), isMeasured ? WHILE_LIVE_MS : WHILE_MEASURED_MS);
  };
  void ask();
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}
