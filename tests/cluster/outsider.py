"""A process of its own that joins a cluster at the address it is given, and does what the documents do there."""

from __future__ import annotations

import json
import sys

import byzer_nb
from byzer_nb import ByzerLLM
from byzer_nb.client.deployed import deployed_models

address, does_deploy = sys.argv[1:]
byzer_nb.connect_cluster(address)
llm = ByzerLLM().setup_gpus_per_worker(0).setup_cpus_per_worker(0.001).setup_num_workers(2)
if does_deploy == "deploy":
    llm.deploy(pretrained_model_type="saas/scripted", udf_name="echo", infer_params={"saas.token_delay": 0.05})
llm.setup_default_model_name("echo")
whole = llm.chat_oai("one two")[0].output
pieces = [item[0] for item in llm.stream_chat_oai("one two three", delta_mode=True)]
stream = llm.stream_chat_oai("one two three four five six seven eight", delta_mode=True)
first = next(stream)[0]
stream.close()  # type: ignore[attr-defined]
told = {
    "whole": whole,
    "pieces": pieces,
    "first": first,
    "vectors": len(llm.emb("echo", ["a", "b"])),
    "stat": llm.stat()["total_workers"],
    "way": type(deployed_models()._ways["echo"]).__name__,
}
if does_deploy == "deploy":
    llm.undeploy("echo")
    told["is_gone"] = not llm.is_model_exist("echo")
print(json.dumps(told))
