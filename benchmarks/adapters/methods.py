"""The table of methods: which environment and adapter play each, and who continues trainings."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """A method of a peer.

    Args:
        environment: the peer's environment, made of `benchmarks/pins/<environment>.txt`.
        module: the adapter, `benchmarks.adapters.<module>`.
        resumes: whether the method, as documented, goes on with a training where it stopped or never stops one for
            later; a method that asks for the same configuration again without that is charged for its epochs again.
        about: what it is.
    """

    environment: str
    module: str
    resumes: bool
    about: str


METHODS: dict[str, Line] = {
    "optuna-tpe": Line("optuna", "optuna", resumes=True, about="TPE with its defaults, full trainings"),
    "optuna-tpe-independent": Line(
        "optuna", "optuna", resumes=True, about="TPE, univariate as before 5.0, full trainings"
    ),
    "optuna-tpe-sha": Line(
        "optuna", "optuna", resumes=True, about="TPE, asynchronous successive halving, which stops for good"
    ),
    "optuna-tpe-hyperband": Line("optuna", "optuna", resumes=True, about="TPE, Hyperband, which stops for good"),
    "optuna-gp": Line("optuna-gp", "optuna", resumes=True, about="Gaussian process, full trainings"),
    "neps-priorband": Line("neps", "neps", resumes=True, about="PriorBand without a prior"),
    "neps-hyperband": Line(
        "neps", "neps", resumes=True, about="Hyperband, NePS's own choice for a space with a fidelity"
    ),
    "synetune-asha": Line("synetune", "syne_tune", resumes=True, about="ASHA, which stops for good"),
    "synetune-bohb": Line(
        "synetune", "syne_tune", resumes=True, about="ASHA with kernel densities, which stops for good"
    ),
    "synetune-asha-bore": Line("synetune", "syne_tune", resumes=True, about="ASHA with BORE"),
    "synetune-asha-cqr": Line("synetune", "syne_tune", resumes=True, about="ASHA with conformal quantile regression"),
    "dehb": Line("dehb", "dehb", resumes=False, about="differential evolution with Hyperband"),
    "smac-multi-fidelity": Line("smac", "smac", resumes=False, about="Hyperband with a random forest"),
    "smac-hpo": Line("smac", "smac", resumes=True, about="random forest, full trainings"),
    "nevergrad-ngopt": Line("nevergrad", "nevergrad", resumes=True, about="NGOpt, full trainings"),
    "hebo": Line("hebo", "hebo", resumes=True, about="HEBO, full trainings in batches of as many as workers"),
}
