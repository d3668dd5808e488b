"""Copy the course's five voices out of the npm package kokoro-js and check them.

npm pack kokoro-js@1.2.1 && tar xzf kokoro-js-1.2.1.tgz && python data/models/kokoro/make.py package/voices
"""

import shutil
import sys
from pathlib import Path

from course_utils.local.store import checked
from course_utils.local.text_to_speech import VOICES


def main(source: Path) -> None:
    """Each voice is 510 styles of 256 float32 numbers, one for each length of text in phonemes."""
    for voice, (_, sha256) in VOICES.items():
        target = Path(__file__).parent / f"{voice}.bin"
        shutil.copyfile(checked(source / f"{voice}.bin", sha256), target)
        print(target.name, target.stat().st_size)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
