import { describe, expect, it } from 'vitest';
import type { Segment } from '../../src/client/segments.ts';
import { clock, LiveCaptions } from '../../src/cli/live-captions.ts';

function segment(kind: 'INTERIM' | 'FINAL', text: string, id = 'a', more: Partial<Segment> = {}): Segment {
  const settled = kind === 'FINAL' ? { sequence: 1, cursor: 'c' } : { sequence: null, cursor: null };
  const times = { startMs: 61_500, endMs: 63_000, createdAt: '2026-01-01T00:00:00.000Z' };
  return {
    id,
    kind,
    text,
    revision: 1,
    stableLength: kind === 'FINAL' ? text.length : 0,
    ...settled,
    ...times,
    avgConfidence: null,
    speaker: null,
    channel: 0,
    words: [],
    ...more,
  };
}

/** A terminal that remembers what stands on it after the few control sequences that captions use. */
class Screen {
  readonly isTTY: boolean;
  readonly columns = 40;
  written = '';
  constructor(isTTY: boolean) {
    this.isTTY = isTTY;
  }

  write(text: string): void {
    this.written += text;
  }

  get lines(): string[] {
    const lines = [''];
    let row = 0;
    for (const [token] of this.written.matchAll(/\p{Cc}\[\d*[A-Za-z]|\p{Cc}|\P{Cc}+/gu)) {
      if (token === '\n') lines[++row] ??= '';
      else if (token === '\u001b[1A') row -= 1;
      else if (token === '\u001b[2K') lines[row] = '';
      else if (token !== '\r' && !token.startsWith('\u001b')) lines[row] += token;
    }
    return lines.filter((line, index) => line !== '' || index < lines.length - 1);
  }
}

describe('live captions', () => {
  it('rewrite the sentence that is being spoken in place, and settle it once', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {});
    captions.showSegment(segment('INTERIM', 'Good'));
    captions.showSegment(segment('INTERIM', 'Good mourning'));
    expect(screen.lines).toEqual(['1:01  Good mourning']);
    captions.showSegment(segment('FINAL', 'Good morning.'));
    captions.showSegment(segment('INTERIM', 'How', 'b'));
    expect(screen.lines).toEqual(['1:01  Good morning.', '1:01  How']);
  });

  it('have a line for what is being spoken on each of two channels, and say which it is, or who', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {}, { channels: 2 });
    const ann = { channel: 1, speaker: 'Ann' };
    captions.showSegment(segment('INTERIM', 'How are', 'b', ann));
    captions.showSegment(segment('INTERIM', 'Good'));
    expect(screen.lines).toEqual(['1:01  Channel 0: Good', '1:01  Ann: How are']);
    captions.showSegment(segment('FINAL', 'How are you?', 'b', ann));
    expect(screen.lines).toEqual(['1:01  Ann: How are you?', '1:01  Channel 0: Good']);
    captions.showSegment(segment('INTERIM', '', 'a'));
    expect(screen.lines.join('')).toBe('1:01  Ann: How are you?');
  });

  it('leave room for words beside a name that is wider than the terminal', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {}, { channels: 2 });
    captions.showSegment(segment('INTERIM', `${'never '.repeat(9)}the end is`, 'a', { speaker: 'A'.repeat(100) }));
    const [line = ''] = screen.lines;
    expect(line.length).toBeLessThan(40);
    expect(line).toMatch(/^1:01 {2}A+….*the end is$/u);
  });

  it('are dim where they may still change', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {});
    captions.showSegment({ ...segment('INTERIM', 'Good morning to'), stableLength: 'Good'.length });
    expect(screen.written).toContain('  \u001b[22mGood\u001b[2m morning to\u001b[22m');
    expect(screen.lines).toEqual(['1:01  Good morning to']);
  });

  it('take a withdrawn sentence away', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {});
    captions.showSegment(segment('INTERIM', 'Hm'));
    captions.showSegment(segment('INTERIM', ''));
    expect(screen.lines.join('')).toBe('');
  });

  it('keep the progress bar below the words, and leave nothing of it behind', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {});
    captions.showProgress(30_000, 60_000, 0);
    captions.showSegment(segment('FINAL', 'Good morning.'));
    expect(screen.lines).toEqual(['1:01  Good morning.', `${'█'.repeat(12)}${'░'.repeat(12)}  0:30 of 1:00`]);
    captions.finish();
    captions.note('done');
    expect(screen.lines).toEqual(['1:01  Good morning.', 'done']);
  });

  it('show the end of a sentence that is wider than the terminal', () => {
    const screen = new Screen(true);
    const captions = new LiveCaptions(screen, {});
    captions.showSegment(segment('INTERIM', `${'never '.repeat(20)}shown but the end is`));
    const [line = ''] = screen.lines;
    expect(line.length).toBeLessThan(40);
    expect(line).toMatch(/^1:01 {2}….*but the end is$/u);
  });

  it('have no colour where NO_COLOR asks for none', () => {
    const screen = new Screen(true);
    new LiveCaptions(screen, { NO_COLOR: '1' }).showSegment(segment('INTERIM', 'Good'));
    expect(screen.written).toContain('Good');
    expect(screen.written).not.toContain('\u001b[2m');
  });

  it('are plain lines where there is no terminal and somebody asks for them', () => {
    const screen = new Screen(false);
    const captions = new LiveCaptions(screen, {}, { always: true });
    captions.showSegment(segment('INTERIM', 'Good'));
    captions.showSegment(segment('INTERIM', ''));
    captions.showSegment(segment('FINAL', 'Good morning.'));
    captions.showProgress(1, 2, 3);
    captions.finish();
    expect(screen.written).toBe('1:01  … Good\n1:01  Good morning.\n');
  });

  it('draw nothing where there is no terminal, but tell what is to be told', () => {
    const screen = new Screen(false);
    const captions = new LiveCaptions(screen, {});
    captions.showSegment(segment('INTERIM', 'Good'));
    captions.showSegment(segment('FINAL', 'Good morning.'));
    captions.showProgress(1, 2, 3);
    captions.note('trying again');
    captions.finish();
    expect(screen.written).toBe('trying again\n');
  });
});

describe('the clock of captions', () => {
  it('has hours only from an hour on', () => {
    expect([0, 59_999, 3_599_000, 3_600_000, 36_061_000].map(clock)).toEqual([
      '0:00',
      '0:59',
      '59:59',
      '1:00:00',
      '10:01:01',
    ]);
  });
});
