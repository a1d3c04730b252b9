import type { Engine } from './engine.ts';
import { MOONSHINE_CAPABILITIES, moonshineIdentity } from './moonshine/identity.ts';
import type { RecogniserCapabilities, RecogniserIdentity } from './recogniser.ts';
import type { ScriptedFaults } from './scripted/faults.ts';
import { createScriptedEngine, SCRIPTED_CAPABILITIES, scriptedIdentity } from './scripted/scripted-engine.ts';

/** `base` and `tiny`: Moonshine, English. `scripted`: tones instead of speech, for tests without a model. */
export const MODEL_NAMES = ['base', 'tiny', 'scripted'] as const;
export type ModelName = (typeof MODEL_NAMES)[number];

export interface EngineDescription {
  readonly capabilities: RecogniserCapabilities;
  readonly identity: RecogniserIdentity;
  /** Loads the model into this process. @throws when its files are missing or not the expected ones. */
  load(): Promise<Engine>;
}

/**
 * What is known of a model before it is loaded.
 *
 * @param options.scriptedFaults lets some words of the scripted engine misbehave.
 */
export function describeEngine(
  model: ModelName,
  options: { readonly scriptedFaults: ScriptedFaults },
): EngineDescription {
  switch (model) {
    case 'base':
    case 'tiny':
      return {
        capabilities: MOONSHINE_CAPABILITIES,
        identity: moonshineIdentity(model),
        load: async () => {
          // Only the process that recognises pays for the native runtime.
          const { loadMoonshine } = await import('./moonshine/moonshine-engine.ts');
          return loadMoonshine({ size: model });
        },
      };
    case 'scripted':
      return {
        capabilities: SCRIPTED_CAPABILITIES,
        identity: scriptedIdentity(),
        load: async () => createScriptedEngine({ faults: options.scriptedFaults }),
      };
  }
}
