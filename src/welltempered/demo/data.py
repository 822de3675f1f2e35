"""The image sets of the demo as NumPy arrays: scikit-learn's digits and Zalando's Fashion-MNIST.

Each comes in three parts: networks learn from the training part, the tuner compares them on the
validation part, and the test part is for the winner alone, once.
"""

import gzip
import hashlib
import math
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.request import urlopen

import numpy as np
from numpy.typing import NDArray

from welltempered.errors import InvalidInput, WelltemperedError

__all__ = [
    "DIGITS",
    "FASHION_MNIST",
    "Data",
    "DataUnavailable",
    "Part",
    "Progress",
    "cache_folder",
    "download",
    "load",
    "read_idx",
    "require",
    "stratified",
]

DIGITS = "digits"
FASHION_MNIST = "fashion-mnist"

URL = "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/"
FOLDER_VARIABLE = "WELLTEMPERED_DATA"

SPLIT_SEED = 0
"""Decides which digits are for training, validation and test: the same ones in every study."""

SHARES = (0.6, 0.2, 0.2)
"""Shares of these parts. A fifth, 360 digits, tells error rates of 2 % and 5 % apart."""

HELD_OUT = 10_000
"""The last images of Fashion-MNIST's training files, kept for validation: as many as for test."""

Progress = Callable[[str, int, int], None]
"""Is told, while a file is downloaded: its name, bytes so far, bytes in all (0 if unknown)."""


class DataUnavailable(WelltemperedError):
    """A data file is damaged, is not what its name says, or cannot be downloaded."""


class _File(NamedTuple):
    """One of the four: what the official file hashes to, and what any of its name must hold."""

    md5: str
    shape: tuple[int, ...]


FILES = {
    "train-images-idx3-ubyte.gz": _File("8d4fb7e6c68d591d4c3dfef9ec88bf0d", (60_000, 28, 28)),
    "train-labels-idx1-ubyte.gz": _File("25c81989df183df01b3e8a0aad5dffbe", (60_000,)),
    "t10k-images-idx3-ubyte.gz": _File("bef4ecab320f06d8554ea6380940ec79", (10_000, 28, 28)),
    "t10k-labels-idx1-ubyte.gz": _File("bb300cfdad3c16e7a12a480ee83cd310", (10_000,)),
}


class Part(NamedTuple):
    """Images and their classes.

    Attributes:
        x: pixels, one image per row, shape (n, n_in), standardised.
        y: classes 0, 1, 2, ..., shape (n,).
    """

    x: NDArray[np.float32]
    y: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Data:
    """An image set in its three parts."""

    name: str
    train: Part
    validation: Part
    test: Part

    @property
    def n_in(self) -> int:
        """Pixels per image."""
        return int(self.train.x.shape[1])

    @property
    def classes(self) -> int:
        """Number of classes."""
        return int(self.train.y.max()) + 1


def load(name: str, folder: Path | None = None, progress: Progress | None = None) -> Data:
    """Load an image set; a second call in the same process returns the same arrays.

    Args:
        name: "digits" (1,797 images of 8 x 8 pixels, part of scikit-learn) or "fashion-mnist"
            (70,000 images of 28 x 28 pixels, 31 MB).
        folder: where the files of Fashion-MNIST lie, or a folder `fashion-mnist` with them.
            Default: the environment variable WELLTEMPERED_DATA; without it they are downloaded
            once, into `cache_folder()`.
        progress: is told how a download goes.

    Raises:
        InvalidInput: if there is no such set, the folder lacks a file, or scikit-learn is missing.
        DataUnavailable: if a file is damaged or cannot be downloaded.
    """
    if name == DIGITS:
        return _digits()
    if name == FASHION_MNIST:
        return _fashion_mnist((_folder(folder) or download(progress=progress)).resolve())
    raise InvalidInput(f"data must be {DIGITS!r} or {FASHION_MNIST!r}, got {name!r}")


def require(*packages: str) -> None:
    """Check that packages which only the demo needs are installed.

    Raises:
        InvalidInput: if one is not; the message says how to install it.
    """
    missing = [name for name in packages if find_spec(name) is None]
    if missing:
        raise InvalidInput(
            f"the demo needs {' and '.join(packages)}, missing: {', '.join(missing)}; "
            "install with: pip install 'welltempered[demo]'"
        )


def cache_folder() -> Path:
    """Where downloads are kept: `welltempered/fashion-mnist` in XDG_CACHE_HOME or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "welltempered" / FASHION_MNIST


def download(folder: Path | None = None, url: str = URL, progress: Progress | None = None) -> Path:
    """Download those of the four files of Fashion-MNIST that the folder lacks; returns the folder.

    Args:
        folder: where to; made if missing. Default: `cache_folder()`.
        url: where from, with a slash at its end. Default: the data set's own repository.
        progress: is told how it goes.

    Raises:
        DataUnavailable: if a file cannot be had, or is not the official one by its MD5 checksum.
    """
    folder = folder or cache_folder()
    for name, file in FILES.items():
        if not (folder / name).is_file():
            _download(url + name, folder / name, file.md5, progress or (lambda *_: None))
    return folder


def read_idx(path: Path, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Read a gzipped IDX file of unsigned bytes, the format of MNIST.

    The format (http://yann.lecun.com/exdb/mnist): two zero bytes, 8 for unsigned bytes, the number
    of dimensions, each of them as a big-endian 32-bit integer; then the array, last index fastest.

    Args:
        path: the file.
        shape: what it must hold.

    Raises:
        DataUnavailable: if it cannot be read, is no such file, or holds more or less.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise DataUnavailable(f"{path} cannot be read as a gzip file: {error}") from error
    magic = bytes((0, 0, 8, len(shape)))
    if raw[:4] != magic:
        raise DataUnavailable(
            f"{path} must be an IDX file of bytes in {len(shape)} dimensions, beginning with "
            f"{magic.hex()}, got {raw[:4].hex()}"
        )
    start = 4 + 4 * len(shape)
    header = struct.pack(f">{len(shape)}I", *shape)
    if raw[4:start] != header:
        raise DataUnavailable(
            f"{path} must hold an array of shape {shape}, {header.hex()} in its header, got {raw[4:start].hex()}"
        )
    if len(raw) - start != math.prod(shape):
        raise DataUnavailable(f"{path} must hold {math.prod(shape)} bytes after its header, got {len(raw) - start}")
    return np.frombuffer(raw, np.uint8, offset=start).reshape(shape)


def stratified(y: NDArray[Any], shares: Sequence[float] = SHARES, seed: int = SPLIT_SEED) -> list[NDArray[np.intp]]:
    """Deal the rows of a data set out to parts, at random, each class in the same shares.

    Args:
        y: the class of each row.
        shares: of the parts; they sum to 1.
        seed: of the random numbers; the same seed deals the same way.

    Returns:
        The rows of each part, ascending.
    """
    rng = np.random.default_rng(seed)
    parts: list[list[NDArray[np.intp]]] = [[] for _ in shares]
    for label in np.unique(y):
        rows = rng.permutation(np.flatnonzero(y == label))
        ends = np.rint(np.cumsum(shares)[:-1] * len(rows)).astype(int)
        for part, piece in zip(parts, np.split(rows, ends), strict=True):
            part.append(piece)
    return [np.sort(np.concatenate(part)) for part in parts]


@cache
def _digits() -> Data:
    require("sklearn")
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    return _standardised(DIGITS, *((x[rows], y[rows]) for rows in stratified(y)))


@cache
def _fashion_mnist(folder: Path) -> Data:
    arrays = [read_idx(folder / name, file.shape) for name, file in FILES.items()]
    x, y, x_test, y_test = arrays
    return _standardised(
        FASHION_MNIST,
        (x[:-HELD_OUT], y[:-HELD_OUT]),
        (x[-HELD_OUT:], y[-HELD_OUT:]),
        (x_test, y_test),
    )


def _standardised(name: str, *parts: tuple[NDArray[Any], NDArray[Any]]) -> Data:
    """Flatten the images and scale them to mean 0 and deviation 1 of the training part.

    One mean and one deviation serve all pixels. With a pair for each, the corners, which are nearly
    always black, would turn their rare greys into the largest inputs of all; on the digits that
    costs 0.7 percent of accuracy (mean of the winners of 12 studies).
    """
    images = [x.reshape(len(x), -1).astype(np.float32) for x, _ in parts]
    mean, deviation = images[0].mean(), images[0].std()
    for x in images:  # in place: all of Fashion-MNIST takes 220 MB
        np.subtract(x, mean, out=x)
        np.divide(x, deviation, out=x)
    classes = [y.astype(np.int64) for _, y in parts]
    return Data(name, *map(Part, images, classes))


def _folder(folder: Path | None) -> Path | None:
    """Return the folder that has the files, if the user has named one."""
    source, named = "folder", folder
    if named is None:
        source, value = FOLDER_VARIABLE, os.environ.get(FOLDER_VARIABLE)
        if not value:
            return None
        named = Path(value)
    places = (named / FASHION_MNIST, named)
    for place in places:
        if all((place / name).is_file() for name in FILES):
            return place
    place = places[0] if places[0].is_dir() else named
    missing = ", ".join(name for name in FILES if not (place / name).is_file())
    raise InvalidInput(
        f"{source} must hold the files of Fashion-MNIST, or a folder {FASHION_MNIST} with them, "
        f"got {source}={named}; missing in {place}: {missing}"
    )


def _download(url: str, path: Path, md5: str, progress: Progress) -> None:
    """Download a file; under its name it appears whole and verified, or not at all."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    digest = hashlib.md5(usedforsecurity=False)  # what the data set's authors publish
    done = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with urlopen(url, timeout=30) as answer, part.open("wb") as file:  # noqa: S310 - ours
            total = int(answer.headers.get("Content-Length") or 0)
            while chunk := answer.read(1 << 16):
                file.write(chunk)
                digest.update(chunk)
                done += len(chunk)
                progress(path.name, done, total)
        if digest.hexdigest() == md5:
            part.replace(path)
    except (OSError, HTTPException) as error:
        raise DataUnavailable(
            f"{url} cannot be downloaded to {path.parent}: {error}; without a network, get "
            f"{', '.join(FILES)} some other way and name their folder, by the option --data-dir "
            f"or in the environment variable {FOLDER_VARIABLE}"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    if digest.hexdigest() != md5:
        raise DataUnavailable(
            f"{url} must have the MD5 checksum {md5}, got {digest.hexdigest()} after {done} bytes; "
            "a proxy or a broken connection may have changed it, try again"
        )
