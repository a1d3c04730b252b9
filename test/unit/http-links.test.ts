import { describe, expect, it } from 'vitest';
import { byteRangeOf } from '../../src/http/byte-range.ts';
import { SignedLinks } from '../../src/http/signed-links.ts';

describe('a byte range', () => {
  it.each([
    ['bytes=0-', { start: 0, end: 100 }],
    ['bytes=10-19', { start: 10, end: 20 }],
    ['bytes=99-500', { start: 99, end: 100 }],
    ['bytes=-10', { start: 90, end: 100 }],
    ['bytes=-500', { start: 0, end: 100 }],
  ])('"%s" of 100 bytes is those that are there', (header, range) => {
    expect(byteRangeOf(header, 100)).toEqual(range);
  });

  it.each(['bytes=100-', 'bytes=100-200', 'bytes=-0'])('"%s" of 100 bytes is none', (header) => {
    expect(byteRangeOf(header, 100)).toBe('none');
  });

  it.each([undefined, '', 'bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,5-6', 'frames=0-1', 'bytes=a-b', 'bytes=1e3-'])(
    'that is "%s" is passed over',
    (header) => expect(byteRangeOf(header, 100)).toBe('all'),
  );
});

describe('a signed link', () => {
  const PATH = '/sessions/U2Vzc2lvbjo%3D/recording.wav';
  let seconds = 1_000_000;
  const links = new SignedLinks('correct-horse-battery-staple', () => new Date(seconds * 1000));
  const url = (link: string) => new URL(link, 'http://server');

  it('is good for its path, for a day', () => {
    const link = links.sign(PATH);
    expect(link).not.toContain('horse');
    expect(links.isSigned(url(link))).toBe(true);
    expect(links.isSigned(url(link.replace('Vzc2', 'Vzc3')))).toBe(false);
    expect(links.isSigned(url(link.replace('until=1', 'until=2')))).toBe(false);
    expect(links.isSigned(url(`${PATH}?until=2000000`))).toBe(false);
    expect(new SignedLinks('another token', () => new Date(seconds * 1000)).isSigned(url(link))).toBe(false);
    seconds += 86_401;
    expect(links.isSigned(url(link))).toBe(false);
  });

  it('has no signature where no token is needed', () => {
    const open = new SignedLinks(null);
    expect(open.sign(PATH)).toBe(PATH);
    expect(open.isSigned(url(PATH))).toBe(false);
  });
});
