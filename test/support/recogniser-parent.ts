// A program that starts a recogniser and tells its process's id: for tests that end the parent.
import { createRecogniser } from '../../src/recognition/create-recogniser.ts';

const recogniser = createRecogniser({
  model: 'scripted',
  processes: 1,
  interimIntervalMs: 0,
  endSilenceMs: 512,
  logger: { info: () => {}, warn: () => {}, error: () => {} },
});
await recogniser.start();
process.stdout.write(`${recogniser.pids.join(' ')}\n`);
