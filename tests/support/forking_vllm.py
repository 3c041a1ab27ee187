"""vLLM's server whose engine and worker are forks of it: two imports of ten seconds less a start.

vLLM starts both anew on a CPU, because threads of OpenMP do not outlive a fork; with one thread there are none.
"""

import os
import runpy
from typing import Any

from vllm.platforms.cpu import CpuPlatform

configure = CpuPlatform.check_and_update_config.__func__


def forking(cls: type[CpuPlatform], config: Any) -> None:
    configure(cls, config)
    os.environ["VLLM_WORKER_MULTIPROC_METHOD"] = "fork"


if __name__ == "__main__":
    CpuPlatform.check_and_update_config = classmethod(forking)
    runpy.run_module("vllm.entrypoints.openai.api_server", run_name="__main__", alter_sys=True)
