/**
 * Tokens that a second of audio can give at most. English speech has no more; what exceeds it is hallucinated (the limit
 * of the model's authors: "Moonshine: Speech Recognition for Live Transcription and Voice Commands", arXiv:2410.15608).
 */
export const MAX_TOKENS_PER_SECOND = 6.5;

/** Tokens allowed however short the audio: enough for a short word and its punctuation. */
export const MIN_TOKEN_LIMIT = 4;

/** Shorter audio is padded with silence at its end: the encoder's convolutions fail below some 900 samples. */
export const MIN_AUDIO_SAMPLES = 1_600;

/** Longest audio of one decode, seconds; beyond some 34 s the model's text collapses. */
export const MAX_AUDIO_SECONDS = 30;
