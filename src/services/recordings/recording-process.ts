// Entry of the process that reads recordings, started with `child_process.fork`. It lives as long as its parent wants it.
import { constants, setPriority } from 'node:os';
import { isRecordingRequest, type RecordingCall, type RecordingReply } from './messages.ts';
import { OpenLogs } from './open-logs.ts';
import { OpusPackets } from './opus-packets.ts';
import { RecordingSource } from './recording-source.ts';

// What is live comes before what is listened to afterwards.
setPriority(constants.priority.PRIORITY_BELOW_NORMAL);

const logs = new OpenLogs();
interface Opened {
  readonly source: RecordingSource;
  readonly packets: OpusPackets;
  readonly release: () => void;
}

const sources = new Map<number, Opened>();

async function answer(call: RecordingCall): Promise<RecordingReply['outcome']> {
  switch (call.type) {
    case 'open': {
      const { audio, release } = await logs.open(call.path);
      const source = new RecordingSource(audio);
      const packets = new OpusPackets(audio.header.format, (from, count) => source.read(from, count));
      sources.set(call.recording, { source, packets, release });
      return { type: 'opened', frames: audio.receivedFrames };
    }
    case 'read':
      return { type: 'bytes', bytes: await openedAs(call.recording).source.read(call.fromFrame, call.frames) };
    case 'encode':
      return { type: 'bytes', bytes: await openedAs(call.recording).packets.second(call.second) };
    case 'measure': {
      const { source } = openedAs(call.recording);
      return { type: 'peaks', peaks: await source.measure(call.fromFrame, call.frames, call.bucketFrames) };
    }
    case 'close': {
      const opened = sources.get(call.recording);
      sources.delete(call.recording);
      opened?.source.close();
      opened?.release();
      return { type: 'done' };
    }
    case 'forget':
      logs.forget(call.path);
      return { type: 'done' };
  }
}

function openedAs(recording: number): Opened {
  const opened = sources.get(recording);
  if (opened === undefined) throw new Error(`There is no recording ${recording}`);
  return opened;
}

function send(reply: RecordingReply): void {
  // Without a parent there is nobody to tell, and `disconnect` is about to end this process.
  if (process.connected) process.send?.(reply, undefined, undefined, () => {});
}

process.on('message', (message: unknown) => {
  if (!isRecordingRequest(message)) return;
  const { id, call } = message;
  answer(call)
    .catch((error: unknown): RecordingReply['outcome'] => ({
      type: 'failed',
      message: error instanceof Error ? error.message : String(error),
    }))
    .then((outcome) => send({ id, outcome }))
    // A reply that can't be sent: the parent must not wait for it.
    .catch(() => process.exit(1));
});
process.on('disconnect', () => process.exit(0));
// A terminal signals all processes of its group, and service managers often do: the parent decides when this one ends.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
