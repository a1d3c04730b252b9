/** What is used of the WebAssembly build, which the package has no types for. */
declare module '@evan/opus/wasm/index.mjs' {
  export class Encoder {
    constructor(options: { channels: number; sample_rate: number; application: 'voip' });
    /** A request of `opus_encoder_ctl` that takes a value. @throws Error */
    ctl(request: number, value: number): number;
    /** @throws Error */
    encode(samples: Int16Array): Uint8Array;
    /** Frees its memory. */
    drop(): void;
  }
}
