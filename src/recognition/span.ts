import { Resampler } from '../audio/resampler.ts';
import { sampleOfFrame, type ResamplerTable } from '../audio/resampler-table.ts';
import { FRAME_SAMPLES } from './engine.ts';
import { TIMELINE_RATE } from './recogniser.ts';
import { Lane, type Confirmed } from './lane.ts';
import { closedLane, type LaneState, type RecognitionState } from './resume-state.ts';
import type { StreamContext } from './stream-context.ts';

export interface SpanStart {
  /** Source frame at which the span begins. */
  readonly spanStartFrame: number;
  /** Source frame of the first sample that will be written. */
  readonly firstFrame: number;
  /** First timeline sample that will be asked for. */
  readonly firstSample: number;
  /** By channel. */
  readonly lanes: readonly LaneState[];
}

/** A stretch of uninterrupted audio: its channels are brought to the timeline and heard in lockstep. */
export class Span {
  readonly startFrame: number;
  readonly lanes: readonly Lane[];
  readonly #resamplers: readonly Resampler[];
  readonly #table: ResamplerTable;

  constructor(context: StreamContext, table: ResamplerTable, start: SpanStart) {
    this.startFrame = start.spanStartFrame;
    this.#table = table;
    const spanStartSample = sampleOfFrame(table.rate, start.spanStartFrame);
    this.lanes = start.lanes.map(
      (state, channel) => new Lane(context, { channel, spanStartSample, firstSample: start.firstSample, state }),
    );
    this.#resamplers = start.lanes.map(
      () =>
        new Resampler(table, {
          spanStartFrame: start.spanStartFrame,
          resumeSample: start.firstSample,
          resumeFrame: start.firstFrame,
        }),
    );
  }

  /** Timeline sample up to which all channels have been heard. */
  get heardSample(): number {
    return Math.min(...this.lanes.map((lane) => lane.heardSample));
  }

  /** Timeline sample up to which audio has come. */
  get audioEnd(): number {
    return Math.min(...this.lanes.map((lane) => lane.audioEnd));
  }

  /** See `Lane.awaitsWords`. */
  get awaitsWords(): boolean {
    return this.lanes.some((lane) => lane.awaitsWords);
  }

  get hasWholeFrame(): boolean {
    return this.audioEnd - this.heardSample >= FRAME_SAMPLES;
  }

  /** Takes the next source frames, one array per channel. */
  write(channels: readonly Float32Array[]): void {
    for (const [channel, samples] of channels.entries()) {
      const resampled = this.#resamplers[channel]?.write(samples);
      if (resampled) this.lanes[channel]?.append(resampled);
    }
  }

  /** No more audio will be written. */
  flush(): void {
    for (const [channel, resampler] of this.#resamplers.entries()) {
      this.lanes[channel]?.append(resampler.flush());
    }
  }

  /** One step of all channels; what they confirm comes in the order of channels. */
  async hear(): Promise<Confirmed[]> {
    const confirmed: Confirmed[] = [];
    for (const lane of this.lanes) confirmed.push(...(await lane.hear()));
    return confirmed;
  }

  /** After `flush`: hears what is left and decides everything. */
  async close(): Promise<Confirmed[]> {
    const confirmed: Confirmed[] = [];
    for (const lane of this.lanes) confirmed.push(...(await lane.close()));
    return confirmed;
  }

  cancel(): void {
    for (const lane of this.lanes) lane.cancel();
  }

  /** State between two steps. */
  save(): RecognitionState {
    return {
      spanStartFrame: this.startFrame,
      closedAtFrame: null,
      lanes: this.lanes.map((lane) => lane.save()),
      neededSample: Math.min(...this.lanes.map((lane) => lane.neededSample)),
    };
  }

  /** State after `close`. */
  saveClosed(closedAtFrame: number): RecognitionState {
    return {
      spanStartFrame: this.startFrame,
      closedAtFrame,
      lanes: this.lanes.map((lane) => closedLane(lane.decidedSample)),
      neededSample: null,
    };
  }

  /** The source frame that a position on the timeline lies in. */
  frameOf(sample: number): number {
    return Math.max(this.startFrame, Math.floor((sample * this.#table.rate) / TIMELINE_RATE));
  }
}
