"""A study that runs in another process, watched from this one."""

import sys
import time
from functools import partial

from welltempered.study import Study
from welltempered.view.frame import frame
from welltempered.view.picture import Camera, Picture
from welltempered.view.progress import SPARE, Lines
from welltempered.view.screen import Screen, drawable
from welltempered.view.status import budget_of, method, who
from welltempered.view.summary import say

_POLL_SECONDS = 0.5
"""Between two looks for new events; each costs what is new."""


def follow(study: Study) -> None:
    """Show a study until it is not run any more, or the reader has seen enough; never touches it.

    Args:
        study: opened only to look.
    """
    try:
        _draw(study) if drawable(sys.stdout) else _print(study)
    except KeyboardInterrupt:
        say("")
    say(who(study.note, study.history))


def _draw(study: Study) -> None:
    camera, screen = Camera(study), Screen(sys.stdout)
    try:
        while True:
            began = time.monotonic()
            picture, status = _look(study, camera)
            heading = [f"{study.header.objective} · {method(study.header)}"]
            heading += [status] if picture.runs else []  # which is said below the last view
            screen.draw(partial(frame, picture, heading))
            if not picture.runs:
                return
            _rest(began)
    finally:
        screen.close(keep=True)


def _print(study: Study) -> None:
    camera, lines = Camera(study), Lines(say)
    began = time.monotonic()
    picture, status = _look(study, camera)
    if picture.runs:
        say(status)
    lines.say(picture)
    while picture.runs:
        _rest(began)
        began = time.monotonic()
        picture, _ = _look(study, camera)
        lines.look(picture) if picture.runs else lines.say(picture)


def _rest(began: float) -> None:
    """Wait until the next look."""
    time.sleep(max(_POLL_SECONDS, SPARE * (time.monotonic() - began)))


def _look(study: Study, camera: Camera) -> tuple[Picture, str]:
    """A picture of now, and who runs the study: asked first, so that who has ended has written all there is."""
    note = study.note
    runs = note is not None and note.holds
    study.refresh()
    return camera.take(budget_of(note), runs=runs), who(note, study.history)
