"""The tests that KerasTuner ships, run against `welltempered.kerastuner`.

```console
$ python -m benchmarks.kerastuner_suite --json benchmarks/records/kerastuner_suite.json
```

Its source distribution 1.3.5, the last one that contains tests, is downloaded into a temporary folder (or found with
`--source`), and nothing of it is kept. They are run by Keras on TensorFlow, as its authors did, in a process in which
`keras_tuner` and its modules are names for ours. `--original` runs the same tests against KerasTuner itself, too, which
says what can pass with today's Keras at all; it needs the packages `kt-legacy` and `portpicker`.
"""

import argparse
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

VERSION = "1.3.5"
SECONDS = 1800
"""For all tests."""

REASONS = {
    r"::.*proto": "protobuf messages of its chief service",
    r"^distribute/": "its chief service and clients; here `workers=` trains side by side",
    r"^applications/": "ready-made models are not offered; those of KerasTuner can be passed as hypermodels",
    r"^tuners/sklearn_tuner": "SklearnTuner is not offered; `wt.tune` tunes any training",
    r"hparams": "hyperparameters as TensorBoard's plugin has them",
    r"^utils_test|Display|display|callbacks_in_fit_kwargs|linked_list|tuner_utils_test": "helpers of its own",
    r"^engine/oracle_test|test_update_trial$|randomsearch_test.*update_space": (
        "oracles of one's own by `populate_space` are not offered: a method is a searcher or a scheduler"
    ),
    r"^engine/metrics_tracking_test": "how it keeps metrics; what scripts read of `trial.metrics` is there",
    r"get_best_hyperparameters|oracle_maximize": "sets trials by hand, which here are those of a study",
    r"hyperband_test.*(oracle|save_and|load_weights|exhausted)": "looks into its oracle's insides",
    r"bayesian_test.*(oracle|reload|dynamic|before_result)|direction_inferred": "looks into its oracle's insides",
    r"_not_install_error": "takes SciPy or scikit-learn away from a module of its own",
    r"gridsearch_test.*(int_and_float|new_hp|exhaust)": "a grid here has the ends of ranges, and all combinations",
    r"basic_tuner_attributes": "expects one hyperparameter of each layer seen; tracing sees all of them at once",
    r"float_reverse_log_with_step": "positions of a mirrored scale are mirrored, too; the values are the same",
    r"[Dd]istribut|chief": "its chief service and clients; here `workers=` trains side by side",
}
"""Why a test that fails cannot pass, by a pattern of its name; what none fits is a fault of ours."""


# ---------------------------------------------------------------------- the plugin: `keras_tuner` means ours


def modules() -> dict[str, dict[str, Any]]:
    """Names of modules of KerasTuner, and what is found in them."""
    import welltempered.kerastuner as kt
    from welltempered.kerastuner import callbacks, hyperparameters, objectives, oracles, parameters, trial, tuners

    kinds = {name: getattr(parameters, name) for name in parameters.__all__}
    kinds |= {"HyperParameters": kt.HyperParameters, "serialize": _serialized, "deserialize": _deserialized}
    metrics = {
        "MetricsTracker": trial.Metrics,
        "MetricObservation": trial.Observation,
        "infer_metric_direction": objectives.direction_of,
    }
    objective = {**vars(objectives), "create_objective": objectives.objective_of}
    utils = {
        "convert_to_metrics_dict": objectives.metrics_of,
        "get_best_step": objectives.step_of,
        "validate_trial_results": objectives.check_results,
        "SaveBestEpoch": lambda objective, filepath: callbacks.BestWeights(objective, Path(filepath)),
    }
    return {
        "": vars(kt),
        "errors": vars(kt.errors),
        "oracles": vars(oracles),
        "tuners": vars(tuners),
        "tuners.bayesian": {**vars(tuners), **vars(oracles), "BayesianOptimization": kt.BayesianOptimization},
        "tuners.gridsearch": {**vars(oracles), "GridSearch": kt.GridSearch},
        "tuners.hyperband": {**vars(oracles), "Hyperband": kt.Hyperband},
        "tuners.randomsearch": {**vars(oracles), "RandomSearch": kt.RandomSearch},
        "protos": {"get_proto": lambda: None},
        "test_utils": {"mock_distribute": None},
        "distribute": {"utils": None, "oracle_chief": None, "oracle_client": None},
        "engine": {},
        "engine.base_tuner": {"BaseTuner": kt.Tuner},
        "engine.conditions": {"Parent": parameters.Parent, "Condition": parameters.Parent},
        "engine.hypermodel": {"HyperModel": kt.HyperModel},
        "engine.hyperparameters": {**vars(hyperparameters), **kinds},
        "engine.hyperparameters.hp_types": kinds,
        "engine.hyperparameters.hp_utils": {},
        "engine.metrics_tracking": metrics,
        "engine.objective": objective,
        "engine.oracle": {"Oracle": kt.Oracle, "Objective": kt.Objective},
        "engine.trial": vars(trial),
        "engine.tuner": {"Tuner": kt.Tuner},
        "engine.tuner_utils": utils,
    }


def _serialized(hp: Any) -> dict[str, Any]:
    return {"class_name": type(hp).__name__, "config": hp.get_config()}


def _deserialized(config: Mapping[str, Any]) -> Any:
    from welltempered.kerastuner import HyperParameters, parameters

    kind = HyperParameters if config["class_name"] == "HyperParameters" else None
    return kind.from_config(config["config"]) if kind else parameters.from_config(config)


def pytest_configure() -> None:
    """Give our modules the names of theirs."""
    _tensorboard()
    if os.environ.get("KERASTUNER_SUITE") != "ours":
        return
    _private()
    sys.modules.pop("keras_tuner", None)
    for name, content in modules().items():
        full = f"keras_tuner.{name}".rstrip(".")
        module = types.ModuleType(full)
        vars(module).update({key: value for key, value in content.items() if not key.startswith("__")})
        module.__path__ = []
        sys.modules[full] = module
        above, _, last = full.rpartition(".")
        if above:
            setattr(sys.modules[above], last, module)


def _private() -> None:
    """Names of theirs that begin with an underscore, where tests use them to reach what is public."""
    import welltempered.kerastuner as kt

    def opened(oracle: Any, directory: Any, project_name: str) -> None:
        oracle.open(Path(directory) / project_name)

    kt.Oracle._set_project_dir = opened
    kt.HyperParameters._hps = property(
        lambda hp: {each.name: [other for other in hp.space if other.name == each.name] for each in hp.space}
    )


def _tensorboard() -> None:
    """Tests ask for a plugin of TensorBoard when they are loaded, which few of them need."""
    try:
        import tensorboard.plugins.hparams.api  # noqa: F401
    except ImportError:
        for name in ("tensorboard", "tensorboard.plugins", "tensorboard.plugins.hparams"):
            sys.modules[name] = types.ModuleType(name)
            sys.modules[name].__path__ = []
        sys.modules["tensorboard.plugins.hparams"].api = None


@pytest.fixture(autouse=True)
def seeds() -> None:
    """As their own fixture does it."""
    import keras

    keras.utils.set_random_seed(0)


# ---------------------------------------------------------------------- the run


def download(folder: Path) -> Path:
    """The unpacked source distribution."""
    wanted = [f"keras-tuner=={VERSION}", "--no-deps", "--no-binary", "keras-tuner", "--dest", str(folder)]
    subprocess.run([sys.executable, "-m", "pip", "download", "--quiet", *wanted], check=True)
    return unpacked(next(folder.glob("*.tar.gz")), folder)


def unpacked(archive: Path, folder: Path) -> Path:
    """The folder in an archive."""
    with tarfile.open(archive) as tar:
        tar.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


def results(source: Path, *, ours: bool, only: str) -> list[dict[str, str]]:
    """Each test with what became of it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        for file in (source / "keras_tuner").rglob("*_test.py"):
            copy = root / "suite" / file.relative_to(source / "keras_tuner")
            if only in copy.as_posix():
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, copy)
        path = [str(Path.cwd()), *sys.path] if ours else [str(source), str(Path.cwd()), *sys.path]
        variables = {"PYTHONPATH": os.pathsep.join(path), "KERAS_BACKEND": "tensorflow", "TF_CPP_MIN_LOG_LEVEL": "3"}
        variables |= {"KERASTUNER_SUITE": "ours" if ours else "theirs"}
        report = root / "report.xml"
        options = ["-q", "-n0", "-c", os.devnull, "--import-mode=importlib", "-p", "benchmarks.kerastuner_suite"]
        options += [f"--rootdir={root / 'suite'}", f"--junitxml={report}", "--continue-on-collection-errors"]
        command = [sys.executable, "-m", "pytest", *options, str(root / "suite")]
        subprocess.run(command, cwd=root, env={**os.environ, **variables}, timeout=SECONDS, check=False)
        return [_result(case) for case in ET.parse(report).iter("testcase")]


def _result(case: ET.Element) -> dict[str, str]:
    where, name = case.get("classname") or "", case.get("name") or ""
    test = f"{where.replace('.', '/')}.py::{name}" if where else f"{name.replace('.', '/')}.py"
    for kind in ("failure", "error", "skipped"):
        found = case.find(kind)
        if found is not None:
            result = "skipped" if kind == "skipped" else "failed"
            lines = (found.text or "").strip().splitlines()
            error = (found.get("message") or "") if lines[-1:] == [] or kind != "error" else lines[-1]
            return {"test": test, "result": result, "error": error[:400]}
    return {"test": test, "result": "passed"}


def reason(test: Mapping[str, str], original: Mapping[str, str]) -> str:
    """Why a test that has failed cannot pass; empty if it could."""
    for pattern, why in REASONS.items():
        if re.search(pattern, test["test"]):
            return why
    return "fails with KerasTuner itself" if original.get(test["test"]) == "failed" else ""


def table(tests: Sequence[Mapping[str, str]]) -> str:
    """In Markdown: by file how many tests there are and pass, and why others cannot."""
    lines = ["| tests in | there are | pass | cannot, and why |", "|---|---|---|---|"]
    files = dict.fromkeys(test["test"].partition("::")[0] for test in tests)
    for file in sorted(files):
        own = [test for test in tests if test["test"].partition("::")[0] == file]
        whole = any("::" not in test["test"] for test in own)  # it could not even be loaded
        passed = sum(test["result"] == "passed" for test in own)
        why = Counter(test["reason"] or "open" for test in own if test["result"] == "failed")
        reasons = "; ".join(f"{'all' if whole else count}: {text}" for text, count in why.items())
        lines.append(f"| `{file}` | {'–' if whole else len(own)} | {passed} | {reasons} |")
    return "\n".join(lines)


def main() -> None:
    """Run the tests, print what failed and why, and write all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", type=Path, help="file to write")
    parser.add_argument("--source", type=Path, help="an unpacked source distribution, or the archive")
    parser.add_argument("--original", action="store_true", help="run them against KerasTuner, too")
    parser.add_argument("--only", default="", help="files with this in their names")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        source = given.source
        if source is None:
            source = download(Path(folder))
        elif source.is_file():
            source = unpacked(source, Path(folder))
        theirs = list(results(source, ours=False, only=given.only)) if given.original else []
        tests = list(results(source, ours=True, only=given.only))
    original = {test["test"]: test["result"] for test in theirs}
    for test in tests:
        if test["result"] == "failed":
            test["reason"] = reason(test, original)
            print(f"{test['test']}: {test['reason'] or test['error'].splitlines()[:1]}")
    counts = {
        "ours": Counter(test["result"] for test in tests),
        "original": Counter(original.values()),
        "reasons": Counter(test["reason"] or "open" for test in tests if "reason" in test),
    }
    print(table(tests), json.dumps(counts, indent=2), sep="\n\n")
    if given.json is not None:
        record = {"version": VERSION, "python": platform.python_version(), **counts, "tests": tests, "theirs": theirs}
        given.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
