import { expect, it } from 'vitest';
import { MAX_COST_UNDER_WAY, OperationTurns } from '../../src/http/operation-turns.ts';

const HALF = MAX_COST_UNDER_WAY / 2;

/** Turns, and which operations have begun. */
function createTurns() {
  const begun: string[] = [];
  let isCrowded = false;
  const turns = new OperationTurns(() => isCrowded);
  return {
    turns,
    begun,
    crowd: (value: boolean) => {
      isCrowded = value;
    },
    enter: (name: string, cost: number) => {
      const turn = turns.enter(cost);
      if (turn === null) begun.push(name);
      else void turn.then(() => begun.push(name));
    },
  };
}

it('operations begin while there is room for their answers, and nothing overtakes what waits', async () => {
  const { turns, begun, enter } = createTurns();
  enter('heavy 1', HALF);
  enter('light 1', 1);
  enter('heavy 2', HALF);
  enter('light 2', 1);
  await Promise.resolve();
  expect(begun).toEqual(['heavy 1', 'light 1']);
  turns.leave(1);
  await Promise.resolve();
  expect(begun).toEqual(['heavy 1', 'light 1', 'heavy 2']);
  turns.leave(HALF);
  await Promise.resolve();
  expect(begun).toEqual(['heavy 1', 'light 1', 'heavy 2', 'light 2']);
});

it('an operation that costs more than all may together begins when it is alone', async () => {
  const { turns, begun, enter } = createTurns();
  enter('light', 1);
  enter('huge', 2 * MAX_COST_UNDER_WAY);
  expect(begun).toEqual(['light']);
  turns.leave(1);
  await Promise.resolve();
  expect(begun).toEqual(['light', 'huge']);
});

it('nothing begins while much is on its way to the client, nor when there is no client any more', async () => {
  const { turns, begun, crowd, enter } = createTurns();
  crowd(true);
  enter('first', 0);
  crowd(false);
  enter('second', 0);
  expect(begun).toEqual([]);
  turns.goOn();
  await Promise.resolve();
  expect(begun).toEqual(['first', 'second']);
  crowd(true);
  enter('third', 0);
  turns.end();
  crowd(false);
  turns.goOn();
  await Promise.resolve();
  expect(begun).toEqual(['first', 'second']);
});
