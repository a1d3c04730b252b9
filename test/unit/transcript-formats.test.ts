import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/client/segments.ts';
import { toCsv } from '../../src/transcripts/csv.ts';
import { cuesOf } from '../../src/transcripts/cues.ts';
import { formatTranscript, toSubRip, toText, toWebVtt } from '../../src/transcripts/transcript-formats.ts';

function segment(text: string, startMs: number, endMs: number, more: Partial<Segment> = {}): Segment {
  return {
    id: `s.0.${startMs}`,
    sequence: 1,
    revision: 1,
    kind: 'FINAL',
    text,
    stableLength: text.length,
    startMs,
    endMs,
    avgConfidence: null,
    speaker: null,
    channel: 0,
    createdAt: '2026-01-01T00:00:00.000Z',
    cursor: null,
    words: [],
    ...more,
  };
}

/** Words of equal length in time, filling the segment. */
function timed(text: string, startMs: number, msPerWord: number): Segment {
  const words = text.split(' ').map((word, index) => ({
    text: word,
    startMs: startMs + index * msPerWord,
    endMs: startMs + (index + 1) * msPerWord,
    confidence: null,
  }));
  return segment(text, startMs, startMs + words.length * msPerWord, { words });
}

const LONG =
  'We walked along the river until it was dark. Then we turned back, because it had begun to rain, and we had no coats with us.';

describe('text', () => {
  it('is one segment a line, with the speaker where one is known', () => {
    expect(toText([segment('Good morning.', 0, 900), segment('Hello!', 1000, 1500, { speaker: 'Ann' })])).toBe(
      'Good morning.\nAnn: Hello!\n',
    );
  });

  it('obeys nobody: control characters of a text never reach the terminal', () => {
    expect(toText([segment('red\u001b[31m\r\nalert\u0007', 0, 900)])).toBe('red[31m alert\n');
  });

  it('of a session without a word is empty', () => {
    expect(toText([])).toBe('');
  });
});

describe('CSV', () => {
  const HEADER = 'sequence,startMs,endMs,channel,speaker,avgConfidence,text\r\n';

  it('has a line for each segment, with what is not known left empty', () => {
    expect(toCsv([])).toBe(HEADER);
    expect(toCsv([segment('Good morning, all.', 0, 900), segment('Hi', 1000, 1500, { avgConfidence: 0.5 })])).toBe(
      `${HEADER}1,0,900,0,,,"Good morning, all."\r\n1,1000,1500,0,,0.5,"Hi"\r\n`,
    );
  });

  it('keeps quotes and line breaks from ending a field, and texts from being formulas', () => {
    const [, line] = toCsv([segment('say "no"\nnow', 0, 900, { speaker: '=HYPERLINK("x")' })]).split('\r\n');
    expect(line).toBe('1,0,900,0,"\'=HYPERLINK(""x"")",,"say ""no"" now"');
  });
});

describe('SubRip', () => {
  it('numbers the cues from 1 and separates them by an empty line', () => {
    expect(toSubRip([segment('Good morning.', 0, 900), segment('Hello!', 3_661_001, 3_662_050)])).toBe(
      '1\n00:00:00,000 --> 00:00:00,900\nGood morning.\n\n2\n01:01:01,001 --> 01:01:02,050\nHello!\n',
    );
  });

  it('keeps out of the text what would end it', () => {
    expect(toSubRip([segment('one\n\ntwo --> three', 0, 900)])).toContain('\none two → three\n');
  });
});

describe('WebVTT', () => {
  it('begins with its signature, also without any cue', () => {
    expect(toWebVtt([])).toBe('WEBVTT\n');
  });

  it('escapes markup and names the voice', () => {
    expect(toWebVtt([segment('1 < 2 && 3 > 2 --> right', 0, 900, { speaker: 'A<b>' })])).toBe(
      'WEBVTT\n\n00:00:00.000 --> 00:00:00.900\n<v A&lt;b&gt;>1 &lt; 2 &amp;&amp; 3 &gt; 2 --&gt; right\n',
    );
  });

  it('orders cues of several channels by their start', () => {
    const lines = toWebVtt([segment('second', 500, 900), segment('first', 100, 2000, { channel: 1 })]).split('\n');
    expect(lines.filter((line) => /^[a-z]/u.test(line))).toEqual(['first', 'second']);
  });

  it('never has a cue that ends when it begins', () => {
    expect(toWebVtt([segment('Oh', 70, 70)])).toContain('00:00:00.070 --> 00:00:00.071');
  });
});

describe('the transcript of two channels', () => {
  const session = { audioFormat: { channels: 2 } };
  // The short answer was certain before the long sentence.
  const segments = [
    segment('Yes.', 1_000, 1_400, { sequence: 1, channel: 1, speaker: 'Ann' }),
    segment('I was thinking of something.', 200, 4_000, { sequence: 2 }),
  ];

  it('is in the order of time, and says of each who spoke or on which channel', () => {
    expect(formatTranscript('txt', segments, session)).toBe('Channel 0: I was thinking of something.\nAnn: Yes.\n');
  });

  it('has cues that overlap, as what was said did', () => {
    expect(formatTranscript('srt', segments, session)).toBe(
      '1\n00:00:00,200 --> 00:00:04,000\nChannel 0: I was thinking of something.\n\n' +
        '2\n00:00:01,000 --> 00:00:01,400\nAnn: Yes.\n',
    );
    expect(formatTranscript('vtt', segments, session)).toBe(
      'WEBVTT\n\n00:00:00.200 --> 00:00:04.000\n<v Channel 0>I was thinking of something.\n\n' +
        '00:00:01.000 --> 00:00:01.400\n<v Ann>Yes.\n',
    );
  });

  it('invents no names in JSON, and keeps the order of the session', () => {
    expect(JSON.parse(formatTranscript('json', segments, session))).toEqual({ session, segments });
  });
});

describe('JSON', () => {
  it('has the session and all that is known of its segments', () => {
    const one = timed('Good morning', 0, 400);
    const session = { id: 'x', audioFormat: { channels: 1 } };
    expect(JSON.parse(formatTranscript('json', [one], session))).toEqual({ session, segments: [one] });
  });
});

describe('cues', () => {
  it('split a long segment where its words were spoken, at punctuation if there is some', () => {
    const [first, second, ...others] = cuesOf(timed(LONG, 1000, 300));
    expect(others).toEqual([]);
    expect(first).toMatchObject({ startMs: 1000, endMs: 1000 + 13 * 300 });
    expect(first?.lines.join(' ')).toBe('We walked along the river until it was dark. Then we turned back,');
    expect(second).toMatchObject({ startMs: 1000 + 13 * 300, endMs: 1000 + 26 * 300 });
  });

  it('leave a long segment whole when its words have no times: none are invented', () => {
    expect(cuesOf(segment(LONG, 0, 9000))).toHaveLength(1);
    const untimed = timed(LONG, 0, 300);
    const words = untimed.words.map((word) => ({ ...word, startMs: null, endMs: null }));
    expect(cuesOf({ ...untimed, words })).toHaveLength(1);
  });

  it.each([0, 12, 13, 25])('keep word %i beside its neighbour when it alone has no time', (index) => {
    const whole = timed(LONG, 1000, 300);
    const words = whole.words.map((word, i) => (i === index ? { ...word, startMs: null, endMs: null } : word));
    const cues = cuesOf({ ...whole, words });
    expect(cues.length).toBeGreaterThan(1);
    expect(cues.flatMap((cue) => cue.lines).join(' ')).toBe(LONG);
    const starts = cues.slice(1).map((cue) => cue.startMs);
    expect(whole.words.filter((_, i) => i !== index).map((word) => word.startMs)).toEqual(
      expect.arrayContaining(starts),
    );
  });

  it('leave a segment whole whose words are not what its text says', () => {
    expect(cuesOf({ ...timed(LONG, 0, 300), text: `${LONG} Yes.` })).toHaveLength(1);
  });

  it('have lines of about equal length', () => {
    expect(cuesOf(segment('The weather was beautiful this morning, so we walked on.', 0, 3000))[0]?.lines).toEqual([
      'The weather was beautiful this',
      'morning, so we walked on.',
    ]);
  });

  it('of any segment say its text, in order, without overlapping, each within its limits', () => {
    const word = fc.stringMatching(/^[a-z]{1,14}[.,?]?$/u);
    const speech = fc.array(fc.record({ word, pauseMs: fc.nat(900), lengthMs: fc.integer({ min: 20, max: 900 }) }), {
      minLength: 1,
      maxLength: 80,
    });
    fc.assert(
      fc.property(speech, fc.nat(10_000_000), (parts, startMs) => {
        let now = startMs;
        const words = parts.map(({ word: text, pauseMs, lengthMs }) => {
          const from = now + pauseMs;
          now = from + lengthMs;
          return { text, startMs: from, endMs: now, confidence: null };
        });
        const text = words.map((each) => each.text).join(' ');
        const cues = cuesOf(segment(text, startMs, now + 100, { words }));
        expect(cues.flatMap((cue) => cue.lines).join(' ')).toBe(text);
        expect(cues[0]?.startMs).toBe(startMs);
        expect(cues.at(-1)?.endMs).toBe(now + 100);
        for (const [index, cue] of cues.entries()) {
          expect(cue.endMs).toBeGreaterThan(cue.startMs);
          expect(cues[index + 1]?.startMs ?? Infinity).toBeGreaterThanOrEqual(cue.endMs);
          expect(cue.lines.join(' ').length).toBeLessThanOrEqual(84);
          expect(cue.lines.length).toBeLessThanOrEqual(2);
        }
      }),
    );
  });
});
