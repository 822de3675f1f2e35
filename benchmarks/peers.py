"""The peers' own environments: made on demand, pinned, so that nothing of theirs is installed beside us."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks.adapters.methods import METHODS

HERE = Path(__file__).parent


def python_of(peer: str) -> Path:
    """The Python of a peer's environment, `benchmarks/.peers/<peer>`; made of `benchmarks/pins/<peer>.txt` if needed.

    Raises:
        SystemExit: if it cannot be installed.
    """
    pins = HERE / "pins" / f"{peer}.txt"
    folder = HERE / ".peers" / peer
    python, stamp = folder / "bin" / "python", folder / pins.name
    if not (stamp.is_file() and stamp.read_text() == pins.read_text()):
        print(f"Installing {peer} into {folder.relative_to(HERE.parent)} (once)", file=sys.stderr)
        install = [
            str(python),
            "-m",
            "pip",
            "--disable-pip-version-check",
            "install",
            "-qq",
            "--requirement",
            str(pins),
        ]
        try:
            subprocess.run([sys.executable, "-m", "venv", "--clear", folder], check=True)
            subprocess.run(install, cwd=HERE.parent, check=True)  # our own is there
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{peer} cannot be installed ({error}); --no-peers measures without it") from None
        stamp.write_text(pins.read_text())
    return python


def main(names: Sequence[str]) -> None:
    """Make the environments of these names, or of all peers of the tables.

    Raises:
        SystemExit: if one cannot be made; the others are made all the same.
    """
    unknown = [name for name in names if not (HERE / "pins" / f"{name}.txt").is_file()]
    if unknown:
        raise SystemExit(f"there are no pins of {', '.join(unknown)} in {HERE / 'pins'}")
    failures = []
    for name in names or dict.fromkeys(line.environment for line in METHODS.values()):
        try:
            print(f"{name}: {python_of(name)}")
        except SystemExit as error:
            failures.append(str(error))
    if failures:
        raise SystemExit("\n".join(failures))


if __name__ == "__main__":
    main(sys.argv[1:])
