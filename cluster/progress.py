"""Shows which members are ready while the others are waited for."""

import sys
import time
from typing import Dict


class Progress:
    """On a terminal one line that is rewritten; elsewhere one line for each change."""

    def __init__(self, stream=sys.stderr):
        self._stream = stream
        self._terminal = stream.isatty()
        self._begin = time.monotonic()
        self._ready = set()

    def show(self, problems: Dict[str, str]) -> None:
        """Takes what is wrong with each member; an empty text means ready."""
        newly = [name for name, problem in problems.items() if not problem and name not in self._ready]
        self._ready.update(newly)
        waiting = {name: problem for name, problem in problems.items() if problem}
        seconds = time.monotonic() - self._begin
        if not self._terminal:
            for name in newly:
                self._line('%5.1f s  %s is ready' % (seconds, name))
            return
        text = '%5.1f s  %d of %d ready' % (seconds, len(problems) - len(waiting), len(problems))
        if waiting:
            text += '; waiting for ' + ', '.join(waiting)
        self._stream.write('\r\033[K' + text[:100])
        self._stream.flush()

    def end(self) -> None:
        if self._terminal:
            self._stream.write('\n')

    def _line(self, text: str) -> None:
        self._stream.write(text + '\n')
        self._stream.flush()
