/** Something that a person can do something about. */
export interface Problem {
  readonly title: string;
  readonly advice: string;
}

export const CANNOT_RECORD: Problem = {
  title: 'This browser cannot record',
  advice: 'Use a newer one: Chrome, Edge, Firefox or Safari. Audio files can be transcribed here all the same.',
};

export const MICROPHONE_LOST: Problem = {
  title: 'The microphone is gone',
  advice: 'Was it unplugged, or its permission taken away? What was recorded is safe. Choose a microphone and go on.',
};

export const KEEPS_NOTHING: Problem = {
  title: 'This browser keeps nothing: do not close the page before all is saved',
  advice:
    'It has no room, or is set to keep nothing. What the server does not have yet is in this page only, and is gone with it.',
};

/** Whether this page may ask for a microphone at all: not on one that came by `http://` from elsewhere, and not in old browsers. */
export function canRecord(): boolean {
  return isSecureContext && 'mediaDevices' in navigator && typeof AudioWorkletNode === 'function';
}

/** What `getUserMedia` says, in words: https://w3c.github.io/mediacapture-main/#dom-mediadevices-getusermedia */
export function microphoneProblem(error: unknown): Problem {
  switch (error instanceof DOMException ? error.name : '') {
    case 'NotAllowedError':
    case 'SecurityError':
      return {
        title: 'The microphone is blocked for this page',
        advice:
          'Allow it in the browser: press the symbol at the left of the address, set Microphone to Allow, then start again. On a phone the browser itself needs the permission, too, in the system’s settings.',
      };
    case 'NotFoundError':
      return { title: 'No microphone was found', advice: 'Plug one in, or switch it on, then start again.' };
    case 'NotReadableError':
    case 'AbortError':
      return {
        title: 'The microphone cannot be opened',
        advice: 'Another program may be using it. Close that one, or choose another microphone, then start again.',
      };
    case 'OverconstrainedError':
      return { title: 'That microphone is not there any more', advice: 'Choose another one, then start again.' };
    default:
      return {
        title: 'The microphone could not be started',
        advice: error instanceof Error ? error.message : String(error),
      };
  }
}
