import { expect, it } from 'vitest';
import { useServices } from '../support/services.ts';

const current = useServices();

it('stops within whatever is left of a limit, which is rarely a whole number of milliseconds', async () => {
  await expect(current().stop(6_000.25)).resolves.toBeUndefined();
});
