import welltempered as wt


def test_an_error_whose_words_are_no_valid_text_fails_its_trial_and_nothing_else(tmp_path):
    def train(run):
        for _ in run:
            run.report(loss=0.5)
            if run.trial == 1:
                raise OSError("no such file: caf\udce9.csv")

    study = wt.tune(
        train,
        wt.Space(size=wt.Int(1, 3)),
        minimize="loss",
        epochs=1,
        budget=None,
        method=wt.Full(wt.Grid()),
        workers=0,
        path=tmp_path / "study",
        progress=False,
    )
    assert [trial.state for trial in study.trials] == ["complete", "failed", "complete"]
    assert "OSError: no such file: caf\\udce9.csv" in study.trials[1].error
    study.close()
