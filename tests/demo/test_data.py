"""The image sets: what they hold, how they are split, and what is said when a file is wrong."""

import contextlib
import gzip
import hashlib
import socket
import struct
import sys
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest

from welltempered.demo import data
from welltempered.errors import InvalidInput

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = data.FILES
SHAPES = {
    TRAIN_IMAGES: (60, 3, 2),
    TRAIN_LABELS: (60,),
    TEST_IMAGES: (10, 3, 2),
    TEST_LABELS: (10,),
}


def idx(array):
    """Return an array of bytes as the content of a gzipped IDX file."""
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return gzip.compress(head + array.astype(np.uint8).tobytes())


def image_set():
    """Return the files of a small set by name: pixel and label tell the number of the image."""
    arrays = {}
    for name, shape in SHAPES.items():
        number = np.arange(shape[0])
        images = len(shape) > 1
        arrays[name] = np.zeros(shape) + number[:, None, None] if images else number % 10
    return {name: idx(array) for name, array in arrays.items()}


def write(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(autouse=True)
def _no_real_folders(monkeypatch, tmp_path):
    """Keep the user's data, cache and proxy out of the tests."""
    monkeypatch.delenv("WELLTEMPERED_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def files(monkeypatch):
    """Let the package believe that Fashion-MNIST is a set of 70 images of 3 x 2 pixels."""
    content = image_set()
    small = {
        name: data.FILES[name]._replace(shape=SHAPES[name], md5=hashlib.md5(content[name]).hexdigest())
        for name in SHAPES
    }
    monkeypatch.setattr(data, "FILES", small)
    monkeypatch.setattr(data, "HELD_OUT", 10)
    return content


class Quiet(SimpleHTTPRequestHandler):
    """Serves files of a folder and remembers what was asked for."""

    asked = ()

    def do_GET(self):
        type(self).asked += (self.path.lstrip("/"),)
        super().do_GET()

    def log_message(self, *_):
        pass


@pytest.fixture
def website(files, tmp_path):
    """Serve the small set on this machine; `.url`, `.folder` and `.asked` of what it yields."""

    class Handler(Quiet):
        pass

    folder = write(tmp_path / "www", files)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder))) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        Handler.url = f"http://127.0.0.1:{server.server_address[1]}/"
        Handler.folder = folder
        yield Handler
        server.shutdown()
        thread.join()


def hashed(rows):
    return hashlib.md5(np.asarray(rows, dtype="<i8").tobytes()).hexdigest()


# ---------------------------------------------------------------- digits


def test_digits_are_split_in_shares_of_60_20_20():
    digits = data.load("digits")
    assert [len(part.y) for part in (digits.train, digits.validation, digits.test)] == [
        1078,
        360,
        359,
    ]
    assert (digits.name, digits.n_in, digits.classes) == ("digits", 64, 10)


def test_split_of_the_digits_is_the_same_for_everybody():
    from sklearn.datasets import load_digits

    parts = data.stratified(load_digits().target)
    assert [hashed(rows) for rows in parts] == [
        "4b65b03d4648ac4a3e9bea0942b09030",
        "3cd46629699072995a393d441923bfcc",
        "365386f758bb0be9dfeecae4820dad15",
    ]


def test_every_row_is_dealt_to_exactly_one_part():
    y = np.random.default_rng(1).integers(7, size=1000)
    parts = data.stratified(y, (0.5, 0.25, 0.25))
    assert np.array_equal(np.sort(np.concatenate(parts)), np.arange(1000))


def test_every_class_has_its_share_in_every_part():
    y = np.repeat([0, 1, 2], [100, 50, 10])
    parts = data.stratified(y, (0.6, 0.2, 0.2))
    assert [np.bincount(y[rows]).tolist() for rows in parts] == [
        [60, 30, 6],
        [20, 10, 2],
        [20, 10, 2],
    ]


def test_another_seed_splits_otherwise():
    y = np.zeros(100, int)
    assert hashed(data.stratified(y, seed=0)[0]) != hashed(data.stratified(y, seed=1)[0])


def test_pixels_are_standardised_with_the_training_part():
    digits = data.load("digits")
    assert digits.train.x.mean() == pytest.approx(0, abs=1e-5)
    assert digits.train.x.std() == pytest.approx(1, abs=1e-5)
    assert 0 < abs(digits.test.x.mean()) < 0.05


def test_images_are_float32_rows_and_classes_are_int64():
    for part in (data.load("digits").train, data.load("digits").test):
        assert (part.x.dtype, part.x.ndim, part.y.dtype) == (np.float32, 2, np.int64)


def test_data_is_read_once_per_process():
    assert data.load("digits") is data.load("digits")


def test_missing_package_is_named_with_the_way_to_install_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "sklearn", None)
    data._digits.cache_clear()
    with pytest.raises(InvalidInput, match=r"sklearn; .*pip install 'welltempered\[demo\]'"):
        data.load("digits")


def test_unknown_set_is_refused():
    with pytest.raises(InvalidInput, match="data must be 'digits' or 'fashion-mnist', got 'mnist'"):
        data.load("mnist")


# ---------------------------------------------------------------- Fashion-MNIST in a folder


@pytest.mark.parametrize("inside", [".", "fashion-mnist"])
def test_files_are_found_in_the_folder_or_in_one_of_their_name(files, tmp_path, inside):
    write(tmp_path / "data" / inside, files)
    assert data.load("fashion-mnist", tmp_path / "data").n_in == 6


def test_folder_can_stand_in_the_environment(files, tmp_path, monkeypatch):
    monkeypatch.setenv("WELLTEMPERED_DATA", str(write(tmp_path, files)))
    assert data.load("fashion-mnist").n_in == 6


def test_last_training_images_are_for_validation(files, tmp_path):
    fashion = data.load("fashion-mnist", write(tmp_path, files))
    first = [part.x[0, 0] for part in (fashion.train, fashion.validation, fashion.test)]
    train = np.repeat(np.arange(50), 6)
    assert [len(part.y) for part in (fashion.train, fashion.validation, fashion.test)] == [
        50,
        10,
        10,
    ]
    assert first == pytest.approx((np.array([0, 50, 0]) - train.mean()) / train.std())
    assert fashion.validation.y.tolist() == list(range(10))


def test_folder_that_lacks_a_file_is_refused_with_its_name(files, tmp_path):
    del files[TEST_LABELS]
    write(tmp_path, files)
    with pytest.raises(InvalidInput, match=rf"got folder={tmp_path}; missing in .*: {TEST_LABELS}"):
        data.load("fashion-mnist", tmp_path)


def test_folder_of_the_environment_is_not_replaced_by_a_download(tmp_path, monkeypatch):
    monkeypatch.setenv("WELLTEMPERED_DATA", str(tmp_path))
    with pytest.raises(InvalidInput, match=f"got WELLTEMPERED_DATA={tmp_path}; missing"):
        data.load("fashion-mnist")


# ---------------------------------------------------------------- IDX


def test_idx_file_is_read_as_it_was_written(tmp_path):
    array = np.arange(24, dtype=np.uint8).reshape(2, 3, 4)
    path = tmp_path / "a.gz"
    path.write_bytes(idx(array))
    assert np.array_equal(data.read_idx(path, (2, 3, 4)), array)


WHOLE = idx(np.zeros((5, 2, 2)))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        pytest.param(b"<html>", "cannot be read as a gzip file", id="no gzip file"),
        pytest.param(b"", "beginning with 00000803, got $", id="empty"),
        pytest.param(WHOLE[:-9], "cannot be read as a gzip file", id="cut short"),
        pytest.param(WHOLE[:20] + b"??" + WHOLE[22:], "cannot be read", id="garbled"),
        pytest.param(gzip.compress(b"\0\0\x08"), "beginning with 00000803", id="no header"),
        pytest.param(idx(np.zeros(5)), "beginning with 00000803, got 00000801", id="labels"),
        pytest.param(idx(np.zeros((4, 2, 2))), r"shape \(5, 2, 2\)", id="another shape"),
        pytest.param(gzip.compress(gzip.decompress(WHOLE)[:-1]), "must hold 20 .* got 19", id="too short"),
        pytest.param(gzip.compress(gzip.decompress(WHOLE) + b"\0"), "must hold 20 .* got 21", id="too long"),
    ],
)
def test_file_that_is_not_what_it_should_be_is_refused(tmp_path, content, message):
    path = tmp_path / "a.gz"
    path.write_bytes(content)
    with pytest.raises(data.DataUnavailable, match=message):
        data.read_idx(path, (5, 2, 2))


def test_file_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(data.DataUnavailable, match=r"none\.gz cannot be read"):
        data.read_idx(tmp_path / "none.gz", (5,))


# ---------------------------------------------------------------- download


def test_download_goes_to_the_cache_where_it_is_found(website, tmp_path):
    folder = data.download(url=website.url)
    assert folder == tmp_path / "cache" / "welltempered" / "fashion-mnist"
    assert {path.name for path in folder.iterdir()} == set(SHAPES)
    assert data.load("fashion-mnist").n_in == 6


def test_file_is_downloaded_once(website, tmp_path):
    for _ in range(2):
        data.download(tmp_path / "new", website.url)
    assert sorted(website.asked) == sorted(SHAPES)


def test_progress_ends_at_the_size_of_the_file(website, tmp_path):
    told = {}
    data.download(tmp_path, website.url, lambda name, *bytes_: told.update({name: bytes_}))
    sizes = {name: (website.folder / name).stat().st_size for name in SHAPES}
    assert told == {name: (size, size) for name, size in sizes.items()}


def test_wrong_checksum_is_refused_and_leaves_nothing(website, tmp_path):
    (website.folder / TRAIN_LABELS).write_bytes(b"something else")
    with pytest.raises(data.DataUnavailable, match=f"{TRAIN_LABELS} must have the MD5 checksum"):
        data.download(tmp_path / "new", website.url)
    assert [path.name for path in (tmp_path / "new").iterdir()] == [TRAIN_IMAGES]


def test_files_in_a_folder_of_the_users_need_no_checksum(files, tmp_path):
    rebuilt = gzip.compress(gzip.decompress(files[TRAIN_LABELS]), compresslevel=1, mtime=1)
    write(tmp_path, files | {TRAIN_LABELS: rebuilt})
    assert rebuilt != files[TRAIN_LABELS]
    assert data.load("fashion-mnist", tmp_path).classes == 10


def test_file_that_the_website_lacks_is_an_error(website, tmp_path):
    (website.folder / TEST_IMAGES).unlink()
    with pytest.raises(data.DataUnavailable, match=r"cannot be downloaded .* 404"):
        data.download(tmp_path / "new", website.url)


def test_without_network_the_message_names_files_and_folder_options(tmp_path):
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with pytest.raises(data.DataUnavailable) as caught:
        data.download(tmp_path / "new", f"http://127.0.0.1:{port}/")
    for words in (*SHAPES, "--data-dir", "WELLTEMPERED_DATA"):
        assert words in str(caught.value)
    assert not list((tmp_path / "new").iterdir())
