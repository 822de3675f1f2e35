"""A small Lightning module whose training has all that can be forgotten, and the trainers that train it."""

import logging
import os
import signal
from pathlib import Path

import lightning
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

import welltempered as wt

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)

_INPUTS = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
_TARGETS = (_INPUTS[:, :3].sum(1) > 0).long() + (_INPUTS[:, 3] > 1).long()
_TRAIN = TensorDataset(_INPUTS[:64], _TARGETS[:64])
_HELD_OUT = TensorDataset(_INPUTS[64:], _TARGETS[64:])
KINDS = ("cosine", "plateau", "manual", "half")


class Net(lightning.LightningModule):
    """Dropout, BatchNorm, momenta and a schedule; `kind` is the schedule, or how it is trained."""

    def __init__(self, kind, lr=0.05, log="val_loss"):
        super().__init__()
        self.save_hyperparameters()
        self.automatic_optimization = kind != "manual"
        self.net = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.3), nn.Linear(16, 3))

    def training_step(self, batch, _):
        x, y = batch
        loss = functional.cross_entropy(self.net(x), y)
        if not self.automatic_optimization:
            optimizer = self.optimizers()
            optimizer.zero_grad()
            self.manual_backward(loss)
            optimizer.step()
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch, _):
        x, y = batch
        self.log(self.hparams.log, functional.cross_entropy(self.net(x), y))

    def on_train_epoch_end(self):
        self.log("rate", self.trainer.optimizers[0].param_groups[0]["lr"])

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.hparams.lr)
        if self.hparams.kind == "manual":
            return optimizer
        if self.hparams.kind == "plateau":
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=0)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}
        interval = "step" if self.hparams.kind == "half" else "epoch"
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 36 if interval == "step" else 9)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": interval}}


def fit(run, module, *callbacks, held_out=True, path=None, **changes):
    """Fit with a trainer that says and writes nothing; without a run for its own sake."""
    torch.set_num_threads(1)  # as in a worker
    quiet = {"logger": False, "enable_checkpointing": False, "enable_progress_bar": False}
    quiet |= {"enable_model_summary": False, "accelerator": "cpu", "max_epochs": run.horizon if run else 1}
    reports = [wt.lightning.Report(run)] if run else []
    trainer = lightning.Trainer(callbacks=[*reports, *callbacks], **quiet | changes)
    loaders = [DataLoader(_TRAIN, 16, shuffle=True), *([DataLoader(_HELD_OUT, 16)] if held_out else [])]
    trainer.fit(module, *loaders, ckpt_path=path)
    return trainer


def train(run):
    """Train one kind of net, with another callback that has a state."""
    patient = lightning.pytorch.callbacks.EarlyStopping("val_loss", patience=20)
    kind = run.params["kind"]
    fit(run, Net(kind), patient, val_check_interval=0.5 if kind == "half" else 1.0)


class _Death(lightning.Callback):
    """Ends the process in the middle of the fourth epoch, once."""

    def __init__(self, mark):
        self.mark = mark

    def on_train_batch_end(self, trainer, *_):
        if trainer.global_step == 14 and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


def train_until_killed(run):
    """The same, in a process that is killed."""
    fit(run, Net(run.params["kind"]), _Death(Path(os.environ["MARK"])))
