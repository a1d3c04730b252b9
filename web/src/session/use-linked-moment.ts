import { useEffect, useRef } from 'react';
import type { ShownSegment } from '../transcript/segments.ts';
import { momentOf } from './player/moment.ts';

/**
 * Shows the segment at the moment that the address leads to, once, as soon as it is loaded.
 * @param isOn the player does it, where there is sound
 */
export function useLinkedMoment(finals: readonly ShownSegment[], isOn: boolean, show: (index: number) => void): void {
  const isShown = useRef(false);
  useEffect(() => {
    const moment = isOn && !isShown.current ? momentOf(location.hash) : null;
    const index = moment === null ? -1 : finals.findIndex(({ endMs }) => endMs > moment);
    if (index === -1) return;
    isShown.current = true;
    show(index);
  }, [finals, isOn]);
}
