import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';

/** Distance from the end, in CSS pixels, within which a reader wants to see what comes. */
const AT_THE_END_PX = 64;

export interface Following {
  /** What scrolls; without it, the page does. */
  readonly frame: RefObject<HTMLDivElement | null>;
  /** What grows. */
  readonly content: RefObject<HTMLDivElement | null>;
  readonly isFollowing: boolean;
  readonly jumpToEnd: () => void;
}

/** Keeps the end of what grows in sight, until the reader scrolls away from it. */
export function useFollowing(isOn = true): Following {
  const frame = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const follows = useRef(true);
  const [isFollowing, setFollowing] = useState(true);

  const jumpToEnd = useCallback(() => {
    follows.current = true;
    setFollowing(true);
    const outer = frame.current ?? document.documentElement;
    outer.scrollTo({ top: outer.scrollHeight, behavior: 'instant' });
  }, []);

  useEffect(() => {
    const inner = content.current;
    if (!isOn || inner === null) return;
    const outer = frame.current ?? document.documentElement;
    const note = () => {
      follows.current = outer.scrollHeight - outer.scrollTop - outer.clientHeight < AT_THE_END_PX;
      setFollowing(follows.current);
    };
    const observer = new ResizeObserver(() => {
      if (follows.current) outer.scrollTop = outer.scrollHeight;
      else note();
    });
    observer.observe(inner);
    if (frame.current !== null) observer.observe(outer);
    // The page's own scrolling is told to its window.
    const scrolled: EventTarget = frame.current ?? window;
    scrolled.addEventListener('scroll', note, { passive: true });
    return () => {
      observer.disconnect();
      scrolled.removeEventListener('scroll', note);
    };
  }, [isOn]);

  return { frame, content, isFollowing, jumpToEnd };
}
