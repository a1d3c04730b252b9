import {
  CheckIcon,
  KeyboardIcon,
  LinkIcon,
  PauseIcon,
  PlayIcon,
  RotateCcwIcon,
  RotateCwIcon,
  Volume2Icon,
} from 'lucide-react';
import { useEffect, useState } from 'react';
import { useStore } from '../../ui/store.ts';
import { clock } from '../../ui/words.ts';
import { linkTo } from './moment.ts';
import { SPEEDS, type Playback } from './playback.ts';

const SKIP_MS = 5_000;
const SHOWN_MS = 2_000;

interface PlayerControlsProps {
  readonly playback: Playback;
  readonly onHelp: () => void;
}

export function PlayerControls({ playback, onHelp }: PlayerControlsProps) {
  const { isPlaying, isWaiting, positionMs, lengthMs, speed, volume } = useStore(playback);
  return (
    <div className="player-controls">
      <button
        type="button"
        className="icon-button"
        aria-label="Back 5 seconds"
        aria-keyshortcuts="ArrowLeft"
        title="Back 5 seconds"
        onClick={() => playback.skip(-SKIP_MS)}
      >
        <RotateCcwIcon aria-hidden size={20} />
      </button>
      <button
        type="button"
        className="play-button"
        aria-label={isPlaying ? 'Pause' : 'Play'}
        aria-keyshortcuts="K"
        aria-busy={isWaiting}
        onClick={() => playback.toggle()}
      >
        {isPlaying ? <PauseIcon aria-hidden size={22} /> : <PlayIcon aria-hidden size={22} />}
      </button>
      <button
        type="button"
        className="icon-button"
        aria-label="Ahead 5 seconds"
        aria-keyshortcuts="ArrowRight"
        title="Ahead 5 seconds"
        onClick={() => playback.skip(SKIP_MS)}
      >
        <RotateCwIcon aria-hidden size={20} />
      </button>
      <span className="figures player-time">
        {clock(positionMs)} <span>/ {clock(lengthMs)}</span>
      </span>
      <label className="player-volume" title="Volume">
        <span className="visually-hidden">Volume</span>
        <Volume2Icon aria-hidden size={18} />
        <input
          type="range"
          min={0}
          max={1}
          step={0.05}
          value={volume}
          aria-valuetext={`${Math.round(100 * volume)} %`}
          onChange={({ target }) => playback.setVolume(Number(target.value))}
        />
      </label>
      <label className="player-speed" title="Speed">
        <span className="visually-hidden">Speed</span>
        <select value={speed} onChange={({ target }) => playback.setSpeed(Number(target.value))}>
          {SPEEDS.map((one) => (
            <option key={one} value={one}>
              {one}×
            </option>
          ))}
        </select>
      </label>
      <LinkButton playback={playback} />
      <button type="button" className="icon-button keys-button" aria-label="Keys" title="Keys" onClick={onHelp}>
        <KeyboardIcon aria-hidden size={20} />
      </button>
    </div>
  );
}

/** Copies a link to the moment at hand; where a browser copies nothing, its address bar has it. */
function LinkButton({ playback }: { readonly playback: Playback }) {
  const [said, setSaid] = useState('');
  useEffect(() => {
    if (said === '') return;
    const timer = setTimeout(() => setSaid(''), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [said]);
  const copy = () => {
    const link = linkTo(location.href, playback.currentMs);
    const toAddressBar = () => {
      history.replaceState(history.state, '', link);
      setSaid('The address bar has the link');
    };
    // Browsers have no clipboard for pages that are not secure.
    if (!('clipboard' in navigator)) return toAddressBar();
    navigator.clipboard.writeText(link).then(() => setSaid('Link copied'), toAddressBar);
  };
  return (
    <span className="link-to-moment">
      <button
        type="button"
        className="icon-button"
        aria-label="Copy a link to this moment"
        title="Copy a link to this moment"
        onClick={copy}
      >
        {said === '' ? <LinkIcon aria-hidden size={18} /> : <CheckIcon aria-hidden size={18} />}
      </button>
      <span role="status" className={said === '' ? 'visually-hidden' : 'said'}>
        {said}
      </span>
    </span>
  );
}
