"""Programs are kept: in the process, on disk for others; data are on the device once; workers keep to their threads."""

import gc
import sys
import weakref
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import welltempered as wt
from trainings import output, program
from welltempered.jax.data import fits, on_device
from welltempered.jax.programs import BOUND, Programs, cache_on_disk, lowered, programs


def test_the_same_computation_is_compiled_once_and_another_one_again():
    own = Programs()
    x = np.ones(3, np.float32)
    first = own.compile(lambda x, y: x * 2, x, 1.0)
    assert own.compile(lambda a, b: a * 2, x, 1.0) is first
    assert own.compiled == 1
    for function, *arguments in ((lambda x, y: x * 3, x, 1.0), (lambda x, y: x * 2, np.ones(4, np.float32), 1.0)):
        assert own.compile(function, *arguments) is not first
    assert own.compile(lambda x, y: x * 2, x, np.ones(2)) is not first, "what is not used has a shape, too"
    assert own.compiled == 4


def test_constants_within_a_function_count():
    own = Programs()
    made = [own.compile(lambda x, large=large: x + large, 1.0)(1.0) for large in (np.ones(9), np.full(9, 2.0))]
    assert [float(one[0]) for one in made] == [2.0, 3.0]


def test_the_program_that_was_not_used_for_longest_goes_with_its_memory():
    own = Programs(bound=2)
    made = [weakref.ref(own.compile(lambda x, n=n: x * n, 1.0)) for n in range(2)]
    own.compile(lambda x: x * 0, 1.0)
    own.compile(lambda x: x * 2, 1.0)
    gc.collect()
    assert len(own) == 2
    assert [one() is None for one in made] == [False, True]
    assert programs.bound == BOUND == 64


def looped(step):
    """Steps of a training."""
    return lambda x: jax.lax.scan(lambda carry, _: (step(carry), None), x, None, 3)[0]


@pytest.mark.parametrize(
    ("function", "doubtful"),
    [
        (looped(lambda x: x @ x), False),
        (looped(lambda x: jnp.einsum("bij,bjk->bik", x[None], x[None])[0]), True),
        (looped(lambda x: jax.lax.fori_loop(0, 3, lambda _, y: y * 2, x)), True),
        (lambda x: jax.lax.conv_general_dilated(x[None, None], x[None, None], (1, 1), "SAME"), True),
    ],
    ids=["dense", "products", "loops", "convolution"],
)
def test_what_may_be_slow_in_a_loop_is_seen(function, doubtful):
    assert lowered(function, np.ones((3, 3), np.float32)).doubtful == doubtful


TRAINING = """
import sys
import jax, jax.numpy as jnp, numpy as np
import welltempered as wt
from welltempered.jax.programs import programs
seen = []
jax.monitoring.register_event_listener(lambda name, **_: seen.append(name.rpartition("/")[2]))
def init(key, params):
    return jax.random.normal(key, (4,))
def step(state, batch, params, key):
    return state - params["lr"] * batch.mean(0), {"loss": (state**2).sum()}
train = wt.jax.trainable(init, step, np.ones((8, 4), np.float32), batch_size=4)
study = wt.tune(train, wt.Space(lr=wt.Float(0.1, 0.2)), minimize="loss", epochs=2, budget="2 trials",
                method=wt.Full(wt.Random()), path=sys.argv[1], workers=0, progress=False)
print(programs.compiled, seen.count("cache_hits"), seen.count("cache_misses"), [t.losses for t in study.trials])
"""


def test_another_process_finds_on_disk_what_was_compiled(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said = []
    for name in ("first", "second"):
        there = program(tmp_path, TRAINING, tmp_path / name)
        said.append(output(there).split(maxsplit=3))
    (made, _, misses, losses), (_, hits, missed, same) = said
    assert int(misses) >= int(made) == 2, "first state and epoch, for both trials"
    assert (int(missed), int(hits)) == (0, int(misses))
    assert losses == same
    assert any((tmp_path / "welltempered" / "jax").iterdir())


@pytest.fixture
def _settings_stay():
    names = ["jax_compilation_cache_dir", "jax_enable_compilation_cache"]
    before = {name: jax.config.values[name] for name in names}
    yield
    for name, value in before.items():
        jax.config.update(name, value)


@pytest.mark.usefixtures("_settings_stay")
def test_a_folder_that_was_chosen_before_stays(tmp_path):
    jax.config.update("jax_compilation_cache_dir", str(tmp_path))
    cache_on_disk()
    assert jax.config.jax_compilation_cache_dir == str(tmp_path)


@pytest.mark.usefixtures("_settings_stay")
def test_whoever_wants_no_cache_on_disk_has_none():
    jax.config.update("jax_compilation_cache_dir", None)
    jax.config.update("jax_enable_compilation_cache", val=False)
    cache_on_disk()
    assert jax.config.jax_compilation_cache_dir is None


def test_data_are_copied_to_the_device_once_and_leave_with_the_array():
    array = np.ones((4, 2), np.float32)
    there = on_device({"x": array})["x"]
    assert on_device((array,))[0] is there
    gone = weakref.ref(there)
    del there, array
    gc.collect()
    assert gone() is None


def test_data_that_would_take_more_than_half_of_the_memory_do_not_fit():
    assert fits([np.ones(3)])
    assert not fits([np.broadcast_to(np.float32(0), (2**50,))])


def threads_of_xla(run):
    """Training code that counts the threads with which XLA computes."""
    jnp.ones((300, 300)).dot(jnp.ones((300, 300))).block_until_ready()
    names = [path.read_text() for path in Path("/proc/self/task").glob("*/comm")]
    for _ in run:
        run.report(loss=sum("XLAEigen" in name for name in names))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_xla_keeps_to_the_one_thread_of_a_worker(tmp_path):
    study = wt.tune(
        threads_of_xla,
        wt.Space(x=wt.Float(0, 1)),
        minimize="loss",
        epochs=1,
        budget="1 trial",
        path=tmp_path,
        workers=1,
        progress=False,
    )
    assert list(study.trials[0].losses) == [1.0]
