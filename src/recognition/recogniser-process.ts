// Entry of a recogniser process, started with `child_process.fork`. It lives as long as its parent wants it.
import { describeEngine } from './engines.ts';
import { isToProcess, processSettingsSchema, type FromProcess, type ToProcess } from './messages.ts';
import { RecogniserHost } from './recogniser-host.ts';

const settings = processSettingsSchema.parse(JSON.parse(process.argv[2] ?? 'null'));
/** What comes while the model is being loaded. */
const early: ToProcess[] = [];
let host: RecogniserHost | null = null;

function send(message: FromProcess): void {
  // Without a parent there is nobody to tell, and `disconnect` is about to end this process.
  if (process.connected) process.send?.(message, undefined, undefined, () => {});
}

function handle(message: ToProcess): void {
  if (message.type === 'shutdown') process.exit(0);
  if (host) host.handle(message);
  else early.push(message);
}

process.on('message', (message: unknown) => {
  if (isToProcess(message)) handle(message);
});
process.on('disconnect', () => process.exit(0));
// A terminal signals all processes of its group, and service managers often do: the parent decides when this one ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

try {
  const engine = await describeEngine(settings.model, settings).load();
  host = new RecogniserHost({ engine, settings, send, now: () => performance.now() });
  send({ type: 'ready' });
  for (const message of early.splice(0)) handle(message);
} catch (error) {
  const message = error instanceof Error ? error.message : String(error);
  if (process.connected) process.send?.({ type: 'load-failed', message }, undefined, undefined, () => process.exit(1));
}
