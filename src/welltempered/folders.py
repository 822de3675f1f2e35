"""The folder of a study: made where there is none, found where there is one."""

from pathlib import Path

from welltempered.checks import path_of
from welltempered.errors import InvalidInput


def make(path: object) -> Path:
    """The folder at a path; made with those above it if it is missing.

    Raises:
        InvalidInput: if that cannot be a folder.
    """
    folder = path_of("path", path)
    try:
        if folder.exists() and not folder.is_dir():
            raise InvalidInput(f"path must be a folder, got the file {folder}")
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidInput(f"path must be a folder that can be made, got {folder}: {error.strerror}") from None
    return folder


def holds(path: object, database: str) -> bool:
    """Whether there is the database of a study at a path, as far as one may look."""
    try:
        return (path_of("path", path) / database).exists()
    except OSError:
        return False


def find(path: object, database: str) -> Path:
    """The folder at a path, which must hold the database of a study.

    Raises:
        InvalidInput: if it does not, or nobody may look.
    """
    folder = path_of("path", path)
    try:
        found = (folder / database).is_file()
    except OSError as error:
        raise InvalidInput(f"path must be a folder that can be read, got {folder}: {error.strerror}") from None
    if not found:
        raise InvalidInput(f"path must be the folder of a study, found no {database} in {folder}")
    return folder
