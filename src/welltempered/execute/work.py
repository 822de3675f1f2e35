"""The loop of a slot, the same in a thread and in a process: take a lease, train, take the next."""

import traceback

from welltempered.errors import WelltemperedError
from welltempered.events import Ended
from welltempered.experiment import Train
from welltempered.run import Channel, Lease, Run, Setting


def work(train: Train, setting: Setting, channel: Channel) -> None:
    """Serve a slot until its channel says it is over."""
    lease = channel.receive()
    while lease is not None:
        lease = _trial(train, setting, channel, lease)


def _trial(train: Train, setting: Setting, channel: Channel, lease: Lease) -> Lease | None:
    """Train one trial for as many leases as it gets in a row; returns the first lease of another trial."""
    if lease.trial.epoch and not setting.resumable:
        channel.send(Ended(lease.trial.id, "finished"))  # its training code has returned, and nothing can bring it back
        return channel.receive()
    try:
        run = Run(setting, channel, lease)
    except WelltemperedError as error:
        channel.send(Ended(lease.trial.id, "failed", str(error)))
        return channel.receive()
    try:
        train(run)
        run.finish()
    except BaseException as error:  # noqa: BLE001 - whatever training code does, the study goes on
        trace = error.__traceback__.tb_next if error.__traceback__ else None  # from the user's first frame on
        text = "".join(traceback.format_exception(type(error), error, trace))
        run.fail(text.encode("utf-8", "backslashreplace").decode())  # names of files may hold what no text may
    return run.leave()
