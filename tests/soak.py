"""Runs mixed work and faults for a long time, and checks that nothing grows: ``make soak``, ``SECONDS=600 make soak``.

Half of the time goes to one session, half to one kernel. Every answer has to belong to its own question. Memory,
threads, sockets and everything else that could grow is counted meanwhile. `make rigs` runs a short soak.
"""

import os
import sys

from .kernel_soak import soak_kernel
from .session_soak import soak_session


def main(seconds: float) -> bool:
    """Run both, print what was found, and return whether anything is wrong."""
    os.environ["FAL_KEY"] = "soak:key"  # without a key, fal-client keeps one more lock in memory at each look-up
    wrong = False
    for name, soak in (("one session", soak_session), ("one kernel", soak_kernel)):
        found = soak(seconds / 2)
        print(f"{name}: {found.report()}", flush=True)  # noqa: T201 - the command's answer
        wrong = wrong or bool(found.failures or found.grown())
    return wrong


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
