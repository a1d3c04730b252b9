import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Endpointer, MAX_UTTERANCE_FRAMES, type EndpointEvent } from '../../src/recognition/endpointing.ts';

const END_SILENCE = { endSilenceMs: 512 };
const SPEECH = 0.9;
const QUIET = 0.02;

/** Runs of speech, of silence, of doubt, and of noise. */
const probabilities = fc
  .array(
    fc.oneof(
      fc.tuple(fc.constant(SPEECH), fc.integer({ min: 1, max: 60 })).map(repeat),
      fc.tuple(fc.constant(SPEECH), fc.integer({ min: 400, max: 700 })).map(repeat),
      fc.tuple(fc.constant(QUIET), fc.integer({ min: 1, max: 40 })).map(repeat),
      fc.tuple(fc.constant(0.42), fc.integer({ min: 1, max: 20 })).map(repeat),
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 100 }),
    ),
    { maxLength: 20 },
  )
  .map((runs) => runs.flat());

describe('endpointing', () => {
  it('opens an utterance a quarter of a second before the first voiced frame', () => {
    const events = hearAll(new Endpointer(END_SILENCE), [...repeat([QUIET, 20]), ...repeat([SPEECH, 10])]);
    expect(events).toEqual([{ kind: 'opened', startFrame: 12 }]);
  });

  it('never reaches back over the end of the previous utterance', () => {
    const pause = repeat([QUIET, 16]);
    const script = [...repeat([SPEECH, 10]), ...pause, ...repeat([SPEECH, 10]), ...pause];
    expect(utterances(hearAll(new Endpointer(END_SILENCE), script))).toEqual([
      [0, 15],
      [18, 41],
    ]);
    const short = new Endpointer({ endSilenceMs: 160 });
    expect(
      utterances(hearAll(short, [...repeat([SPEECH, 10]), ...repeat([QUIET, 5]), ...repeat([SPEECH, 10])])),
    ).toEqual([[0, 15]]);
    expect(utterances(short.flush())).toEqual([[15, 25]]);
  });

  it('names the would-be final 160 ms into the silence, and it is exactly the final', () => {
    const events = hearAll(new Endpointer(END_SILENCE), [...repeat([SPEECH, 20]), ...repeat([QUIET, 16])]);
    expect(events).toEqual([
      { kind: 'opened', startFrame: 0 },
      { kind: 'candidate', startFrame: 0, endFrame: 25 },
      { kind: 'ended', startFrame: 0, endFrame: 25 },
    ]);
  });

  it('withdraws it when the speaker goes on', () => {
    const script = [...repeat([SPEECH, 20]), ...repeat([QUIET, 10]), ...repeat([SPEECH, 1])];
    expect(hearAll(new Endpointer(END_SILENCE), script).at(-1)).toEqual({ kind: 'withdrawn' });
  });

  it('does not end speech for frames of doubt, and does not go back to speech for them', () => {
    const doubt = repeat([0.42, 30]);
    expect(utterances(hearAll(new Endpointer(END_SILENCE), [...repeat([SPEECH, 10]), ...doubt]))).toEqual([]);
    const fallen = [...repeat([SPEECH, 10]), QUIET, ...doubt];
    expect(utterances(hearAll(new Endpointer(END_SILENCE), fallen))).toEqual([[0, 15]]);
  });

  it('is content with a shorter pause after ten seconds', () => {
    const script = [...repeat([SPEECH, 320]), ...repeat([QUIET, 6])];
    expect(utterances(hearAll(new Endpointer(END_SILENCE), script))).toEqual([[0, 325]]);
  });

  it('cuts speech that has become too long at a short pause, and goes on from there', () => {
    const script = [...repeat([SPEECH, 300]), 0.3, 0.1, 0.3, ...repeat([SPEECH, 300])];
    const events = hearAll(new Endpointer(END_SILENCE), script);
    expect(events).toContainEqual({ kind: 'cut', startFrame: 0, endFrame: 301 });
    expect(utterances(events)).toEqual([[0, 301]]);
  });

  describe('of speech without a pause', () => {
    const script = [...repeat([SPEECH, 300]), 0.6, 0.4, 0.6, ...repeat([SPEECH, 300])];

    function untilAsked(): { endpointer: Endpointer; rest: number[] } {
      const endpointer = new Endpointer(END_SILENCE);
      expect(hearAll(endpointer, script.slice(0, MAX_UTTERANCE_FRAMES))).toContainEqual({
        kind: 'overlong',
        startFrame: 0,
        endFrame: MAX_UTTERANCE_FRAMES,
      });
      return { endpointer, rest: script.slice(MAX_UTTERANCE_FRAMES) };
    }

    it('asks after 15 s between which words to cut', () => {
      const { endpointer, rest } = untilAsked();
      expect(endpointer.cutAt(400)).toEqual([{ kind: 'cut', startFrame: 0, endFrame: 400 }]);
      expect(hearAll(endpointer, rest)).toEqual([]);
      expect(utterances(endpointer.flush())).toEqual([[400, script.length]]);
    });

    it('offers the gaps between words where they are late enough, the deepest dip first', () => {
      const { endpointer } = untilAsked();
      const gap = (fromFrame: number, toFrame: number) => ({ fromFrame, toFrame });
      const cuts = endpointer.cutsIn([gap(100, 110), gap(280.4, 280.6), gap(298, 303), gap(466, 480)]);
      expect(cuts.map(({ frame }) => frame)).toEqual([301, 281, 466]);
    });

    it('is cut at its deepest dip where words tell nothing, and where nobody answers', () => {
      const { endpointer } = untilAsked();
      expect(endpointer.cutAt(null)).toEqual([{ kind: 'cut', startFrame: 0, endFrame: 301 }]);
      expect(utterances(hearAll(new Endpointer(END_SILENCE), script))).toEqual([[0, 301]]);
    });
  });

  it('does not lose a word that stands alone for its shortness', () => {
    const script = [...repeat([QUIET, 20]), ...repeat([SPEECH, 3]), ...repeat([QUIET, 40])];
    expect(utterances(hearAll(new Endpointer(END_SILENCE), script))).toEqual([[12, 28]]);
  });

  it('keeps a first word that is too short to open an utterance, and the hesitation after it', () => {
    const script = [...repeat([QUIET, 20]), ...repeat([SPEECH, 2]), ...repeat([QUIET, 12]), ...repeat([SPEECH, 3])];
    expect(hearAll(new Endpointer(END_SILENCE), script)).toEqual([{ kind: 'opened', startFrame: 12 }]);
  });

  it('does not lose a last word that is too short to open an utterance', () => {
    const endpointer = new Endpointer(END_SILENCE);
    expect(hearAll(endpointer, [...repeat([QUIET, 20]), ...repeat([SPEECH, 2])])).toEqual([]);
    expect(utterances(endpointer.flush())).toEqual([[12, 22]]);
    expect(endpointer.flush()).toEqual([]);
  });

  it('takes no click for speech', () => {
    const endpointer = new Endpointer(END_SILENCE);
    expect(hearAll(endpointer, [...repeat([QUIET, 20]), SPEECH, SPEECH, ...repeat([QUIET, 20])])).toEqual([]);
    expect(endpointer.flush()).toEqual([]);
  });

  it('gives utterances in order that never overlap and are never longer than 15 s', () => {
    fc.assert(
      fc.property(probabilities, (script) => {
        const endpointer = new Endpointer(END_SILENCE);
        let previousEnd = 0;
        for (const [start, end] of utterances([...hearAll(endpointer, script), ...endpointer.flush()])) {
          expect(start).toBeGreaterThanOrEqual(previousEnd);
          expect(end).toBeGreaterThan(start);
          expect(end - start).toBeLessThanOrEqual(MAX_UTTERANCE_FRAMES);
          expect(end).toBeLessThanOrEqual(script.length);
          previousEnd = end;
        }
      }),
    );
  });

  it('is never longer than 15 s where silence begins right before, and nobody says where to cut', () => {
    const script = [...repeat([SPEECH, 466]), ...repeat([QUIET, 3])];
    const endpointer = new Endpointer(END_SILENCE);
    expect(utterances([...hearAll(endpointer, script), ...endpointer.flush()])).toEqual([[0, 468]]);
  });

  it('has every three voiced frames in a row inside utterances', () => {
    fc.assert(
      fc.property(probabilities, (script) => {
        const endpointer = new Endpointer(END_SILENCE);
        const found = utterances([...hearAll(endpointer, script), ...endpointer.flush()]);
        const isInside = script.map((_, frame) => found.some(([start, end]) => start <= frame && frame < end));
        const isVoiced = script.map((probability) => probability >= 0.51);
        const lost = script.flatMap((_, frame) => {
          const three = [frame, frame + 1, frame + 2];
          return three.every((each) => isVoiced[each]) && !three.every((each) => isInside[each]) ? [frame] : [];
        });
        expect(lost).toEqual([]);
      }),
    );
  });

  it('goes on from a saved state as if it had never stopped', () => {
    fc.assert(
      fc.property(probabilities, fc.nat(), (script, where) => {
        const whole = new Endpointer(END_SILENCE);
        const expected = script.map((probability) => whole.hear(probability));
        const at = script.length === 0 ? 0 : where % script.length;
        const before = new Endpointer(END_SILENCE);
        hearAll(before, script.slice(0, at));
        const restored = new Endpointer(END_SILENCE, JSON.parse(JSON.stringify(before.save())));
        expect(script.slice(at).map((probability) => restored.hear(probability))).toEqual(expected.slice(at));
        expect(restored.save()).toEqual(whole.save());
        expect(restored.flush()).toEqual(whole.flush());
      }),
    );
  });

  it('never asks for audio again from before the frame it said it would need', () => {
    fc.assert(
      fc.property(probabilities, (script) => {
        const endpointer = new Endpointer(END_SILENCE);
        let needed = 0;
        const broken: string[] = [];
        const check = (events: readonly EndpointEvent[]) => {
          for (const event of events) {
            if ('startFrame' in event && event.startFrame < needed) broken.push(event.kind);
          }
          if (endpointer.earliestFrameNeeded < needed) broken.push('needed');
          needed = endpointer.earliestFrameNeeded;
        };
        for (const probability of script) check(endpointer.hear(probability));
        check(endpointer.flush());
        expect(broken).toEqual([]);
      }),
    );
  });
});

function repeat([probability, times]: [number, number]): number[] {
  return Array.from({ length: times }, () => probability);
}

function hearAll(endpointer: Endpointer, script: readonly number[]): EndpointEvent[] {
  return script.flatMap((probability) => endpointer.hear(probability));
}

function utterances(events: readonly EndpointEvent[]): [start: number, end: number][] {
  return events.flatMap((event): [number, number][] =>
    event.kind === 'ended' || event.kind === 'cut' ? [[event.startFrame, event.endFrame]] : [],
  );
}
