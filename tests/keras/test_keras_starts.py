"""Workers of Keras on JAX start without the other backends."""

from trainings import output, program

TRAINING = """
    import sys

    import keras

    import welltempered as wt
    from keras_training import HELD, SPACE, X, Y, build

    class Tell(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs.update({name: float(name in sys.modules) for name in ("torch", "tensorflow")})

    if __name__ == "__main__":
        for others in ([Tell], [Tell, keras.callbacks.TerminateOnNaN]):  # by compiled epochs, by fit
            train = wt.keras.trainable(
                build, (X, Y), validation=HELD, callbacks=lambda run: [one() for one in others]
            )
            study = wt.tune(
                train, SPACE, minimize="val_loss", epochs=2, budget="1 trials", method=wt.Full(wt.Random()), workers=1,
                progress=False,
            )
            print({name: study.trials[0].reports[-1].metrics[name] for name in ("torch", "tensorflow")})
"""


def test_neither_torch_nor_tensorflow_is_imported_by_a_trial_on_jax(tmp_path):
    assert output(program(tmp_path, TRAINING)) == 2 * "{'torch': 0.0, 'tensorflow': 0.0}\n"
