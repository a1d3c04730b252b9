import type { Stretch } from '../../transcript/marks.ts';

/** The text of a segment, however it is marked and cut into nodes. */
export function textElementOf(segment: Element): HTMLElement | null {
  return segment.querySelector('.segment-said > p');
}

/** Where a stretch of an element's text stands; `null` when it does not have as much. */
export function rangeOf(element: Element, { start, end }: Stretch): Range | null {
  const range = document.createRange();
  let at = 0;
  let isBegun = false;
  for (const node of textNodesOf(element)) {
    const next = at + node.length;
    if (!isBegun && start < next) {
      range.setStart(node, start - at);
      isBegun = true;
    }
    if (isBegun && end <= next) {
      range.setEnd(node, end - at);
      return range;
    }
    at = next;
  }
  return null;
}

/** Which character of an element's text is at a point of the window; `null` when none is. */
export function offsetAt(element: Element, x: number, y: number): number | null {
  const caret = caretAt(x, y);
  if (caret === null || !element.contains(caret.node)) return null;
  let at = 0;
  for (const node of textNodesOf(element)) {
    if (node === caret.node) return at + caret.offset;
    at += node.length;
  }
  return null;
}

function caretAt(x: number, y: number): { readonly node: Node; readonly offset: number } | null {
  if (typeof document.caretPositionFromPoint === 'function') {
    const caret = document.caretPositionFromPoint(x, y);
    return caret === null ? null : { node: caret.offsetNode, offset: caret.offset };
  }
  // Safari had only this before 2025.
  const range = document.caretRangeFromPoint(x, y);
  return range === null ? null : { node: range.startContainer, offset: range.startOffset };
}

function* textNodesOf(element: Element): Generator<Text> {
  const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node !== null; node = walker.nextNode()) if (node instanceof Text) yield node;
}
