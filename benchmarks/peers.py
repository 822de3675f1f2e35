"""The peers' own environments: made on demand, pinned, so that nothing of theirs is installed beside us."""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def python_of(peer: str) -> Path:
    """The Python of a peer's environment, `benchmarks/.peers/<peer>`; made of `benchmarks/<peer>.txt` if needed.

    Raises:
        SystemExit: if it cannot be installed.
    """
    pins = HERE / f"{peer}.txt"
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
            subprocess.run(install, check=True)
        except subprocess.CalledProcessError as error:
            raise SystemExit(f"{peer} cannot be installed ({error}); --no-peers measures without it") from None
        stamp.write_text(pins.read_text())
    return python
