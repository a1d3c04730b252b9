import { createContext, useContext } from 'react';
import type { FileTranscription } from './file-transcription.ts';
import type { Recorder } from './recorder.ts';

export interface Recording {
  readonly recorder: Recorder;
  readonly file: FileTranscription;
}

const RecordingContext = createContext<Recording | null>(null);
export const RecordingProvider = RecordingContext.Provider;

export function useRecording(): Recording {
  const recording = useContext(RecordingContext);
  if (recording === null) throw new Error('There is no RecordingProvider above');
  return recording;
}
