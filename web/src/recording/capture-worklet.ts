// Runs on the browser's audio thread: 16-bit samples in chunks of 100 ms.
// https://webaudio.github.io/web-audio-api/#AudioWorkletGlobalScope

declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(name: string, processor: new () => AudioWorkletProcessor): void;

const CHUNKS_PER_SECOND = 10;
const LOUDEST = 32_767;

class Capture extends AudioWorkletProcessor {
  #chunk = emptyChunk();
  #filled = 0;

  constructor() {
    super();
    // Whoever stops asks for what is left, and gets it, and then `null`.
    this.port.addEventListener('message', () => {
      this.#send();
      this.port.postMessage(null);
    });
    this.port.start();
  }

  process([[channel]]: [[Float32Array | undefined]]): boolean {
    for (const sample of channel ?? []) {
      this.#chunk[this.#filled++] = Math.round(Math.max(-1, Math.min(1, sample)) * LOUDEST);
      if (this.#filled === this.#chunk.length) this.#send();
    }
    return true;
  }

  #send(): void {
    if (this.#filled === 0) return;
    const samples = this.#chunk.slice(0, this.#filled);
    this.port.postMessage(samples.buffer, [samples.buffer]);
    this.#filled = 0;
  }
}

function emptyChunk(): Int16Array {
  return new Int16Array(Math.ceil(sampleRate / CHUNKS_PER_SECOND));
}

registerProcessor('capture', Capture);
