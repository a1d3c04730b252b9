import { watchStopSignals } from './stop-signals.ts';

const parent = process.ppid;
const stopping = watchStopSignals(() => process.exit(1));
// Loading the rest takes a moment in which signals must be heard already.
const { serve } = await import('./serve.ts');
await serve(stopping, parent);
