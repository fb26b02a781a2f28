"""`%llm_connect`: join a Ray cluster."""

from __future__ import annotations

from typing import TYPE_CHECKING

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.core.magic_arguments import argument, magic_arguments

from byzer_nb._lang import say
from byzer_nb.errors import UnsupportedError

from ._arguments import read_arguments
from ._errors import short_errors

if TYPE_CHECKING:
    from byzer_nb.cluster.session import Connection


@magics_class
class ConnectMagics(Magics):
    """The magic `llm_connect`."""

    @magic_arguments()
    @argument("--debug", action="store_true", help="Show the whole traceback of an error.")
    @no_var_expand
    @line_magic
    @short_errors
    def llm_connect(self, line: str) -> None:
        """Join a cluster, and say which it is, what is free there and how many models run.

            %llm_connect
            %llm_connect local
            %llm_connect ray://head:10001
            %llm_connect head:6379

        Without an address it is the cluster of this machine, or, where none runs, a private one that ends with the
        kernel. In a script: byzer_nb.connect_cluster()
        """
        from byzer_nb.cluster.directory import names
        from byzer_nb.cluster.session import AUTO, connect, connect_or_start

        from .painter import painter_for

        address = read_arguments(ConnectMagics.llm_connect.parser, line).rest.strip() or AUTO
        if address.startswith(("http://", "https://")):
            raise UnsupportedError(
                say(en="Joining a served gateway is not in this version.", zh="这个版本还不能连接网关。"),
                hint=say(
                    en=f"Call it as a provider: byzer_nb.load('chat', 'saas/openai', base_url={address!r}, ...)",
                    zh=f"可以把它当作服务商：byzer_nb.load('chat', 'saas/openai', base_url={address!r}, ...)",
                ),
            )
        found = connect_or_start() if address == AUTO else connect(address)
        painter_for(self.shell).note(_told(found, len(names())))


def _told(found: Connection, models: int) -> str:
    way = (
        say(en="Started a private cluster at", zh="已启动私有集群")
        if found.way == "started"
        else say(en="Joined the cluster at", zh="已加入集群")
    )
    gpus = f", {found.free_gpus:g}/{found.gpus:g} GPU" if found.gpus else ""
    free = f"{found.free_cpus:g}/{found.cpus:g} CPU{gpus}"
    return f"{way} {found.address} · " + say(en=f"{free} free · {models} models", zh=f"空闲 {free} · {models} 个模型")
