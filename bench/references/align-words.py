"""Aligns the transcripts of a folder's manifest.tsv to its recordings (WAV, 16 kHz, mono, 16 bit): prints aligned.tsv.

usage: align-words.py FOLDER > aligned.tsv

Debian packages: pocketsphinx-en-us python3-pocketsphinx flite. Each transcript is a grammar of one sentence, with optional
silence between its words. Words that the dictionary lacks are spelt by flite's letter-to-sound rules.
"""

import re
import subprocess
import sys
import wave
from pathlib import Path

from pocketsphinx.pocketsphinx import Decoder

MODEL = "/usr/share/pocketsphinx/model/en-us/"
FRAME_MS = 10


def create_decoder():
    config = Decoder.default_config()
    config.set_string("-hmm", MODEL + "en-us")
    config.set_string("-dict", MODEL + "cmudict-en-us.dict")
    config.set_string("-logfn", "/dev/null")
    # The words are known: nothing is to be pruned.
    for name, value in {"-beam": 1e-200, "-wbeam": 1e-160, "-pbeam": 1e-200, "-lw": 1.0, "-silprob": 0.2}.items():
        config.set_float(name, value)
    config.set_float("-fillprob", 1e-5)
    for name in ("-bestpath", "-dither", "-remove_noise", "-remove_silence"):
        config.set_boolean(name, False)
    return Decoder(config)


def words_of(text):
    words = re.split(r"[\s\-—]+", text.lower().replace("*", " star "))
    return [word for word in (re.sub(r"[^a-z']", "", word) for word in words) if re.search("[a-z]", word)]


def pronunciation(word):
    printed = subprocess.run(["t2p", word.replace("'", "")], capture_output=True, text=True, check=True).stdout
    phones = [re.sub(r"\d", "", phone).upper() for phone in printed.strip("() \n").split()]
    return " ".join("AH" if phone == "AX" else phone for phone in phones if phone != "PAU")


def align(decoder, recording, words):
    """Starts and ends in ms, or None where the words were not found."""
    decoder.set_jsgf_string("words", "#JSGF V1.0;\ngrammar words;\npublic <all> = " + " ".join(words) + " ;\n")
    decoder.set_search("words")
    with wave.open(str(recording)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        samples = file.readframes(file.getnframes())
    decoder.start_utt()
    decoder.process_raw(samples, False, True)
    decoder.end_utt()
    if not decoder.hyp():
        return None
    spoken = [part for part in decoder.seg() if not part.word.startswith(("<", "["))]
    if [re.sub(r"\(\d+\)$", "", part.word) for part in spoken] != words:
        return None
    return [(part.start_frame * FRAME_MS, (part.end_frame + 1) * FRAME_MS) for part in spoken]


def main(folder):
    decoder = create_decoder()
    lines = (folder / "manifest.tsv").read_text().splitlines()
    headings = lines[0].split("\t")
    print("file", "starts_ms", "ends_ms", sep="\t")
    for line in lines[1:]:
        row = dict(zip(headings, line.split("\t")))
        if row["file"].startswith("long-"):
            continue
        words = words_of(row["reference"])
        for word in words:
            if decoder.lookup_word(word) is None:
                decoder.add_word(word, pronunciation(word), True)
        times = align(decoder, folder / row["file"], words)
        if times is None:
            print(f"{row['file']} could not be aligned", file=sys.stderr)
            continue
        print(row["file"], *(" ".join(str(time[i]) for time in times) for i in (0, 1)), sep="\t")


main(Path(sys.argv[1]))
