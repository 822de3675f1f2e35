"""Runs test files of this folder on another backend of Keras, which is chosen when Keras is imported."""

import subprocess
import sys
from pathlib import Path

from trainings import environment

FOLDER = Path(__file__).parent


def passes(backend, only=""):
    """Run them in a program of their own, or those alone that `-k` chooses, and show what it says if it fails."""
    files = [str(FOLDER / f"test_keras_{name}.py") for name in ("continues", "data", "report")]
    command = [sys.executable, "-m", "pytest", "-q", "-n0", "-p", "no:cacheprovider", "-k", only, *files]
    given = environment(KERAS_BACKEND=backend, TF_CPP_MIN_LOG_LEVEL="3")
    done = subprocess.run(command, capture_output=True, text=True, env=given, check=False)
    print(done.stdout, done.stderr)
    return done.returncode == 0
