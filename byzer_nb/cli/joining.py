"""How a command gets into a cluster."""

from __future__ import annotations

import os
from argparse import Namespace

from byzer_nb.cli.messages import remark, say
from byzer_nb.cli.progress import ProgressLine
from byzer_nb.cli.ray_start import start_head

AUTO = "auto"


def join(given: Namespace, progress: ProgressLine) -> None:
    """Be in the cluster that the arguments name; with `auto` one is started when none runs on this machine."""
    from byzer_nb.cluster.session import NoClusterError, connect

    address = given.ray_address
    if address == AUTO:
        # Ray would read it too, but without the token, and it would try for half a minute where nobody listens.
        address = os.environ.get("RAY_ADDRESS") or AUTO
    joining = (
        say(en="Joining the Ray cluster of this machine", zh="正在连接本机的 Ray 集群")
        if address == AUTO
        else say(en=f"Joining the Ray cluster at {address}", zh=f"正在连接 Ray 集群 {address}")
    )
    progress.show(joining)
    try:
        connect(address)
    except NoClusterError:  # one that is there and lets nobody in is no reason to start another
        if address != AUTO:
            raise
        progress.show(
            say(
                en="No Ray cluster runs on this machine; starting one with ray start --head",
                zh="本机没有运行 Ray 集群，正在用 ray start --head 启动一个",
            )
        )
        start_head()
        remark(
            say(
                en="Started a Ray cluster on this machine. It stays; `ray stop` ends it.",
                zh="已在本机启动 Ray 集群。它会一直运行，用 ray stop 结束。",
            )
        )
        progress.show(joining)
        connect(AUTO)
