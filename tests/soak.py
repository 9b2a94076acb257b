"""Mixed work and faults for as long as it is told: ``make soak``, or ``SECONDS=600 make soak``.

Half of the time goes to one session, half to one kernel. Every answer has to be its own question's; memory, threads,
sockets and whatever else could grow is counted on the way, and may not. The suite runs it beside its other tests.
"""

import os
import sys

from .kernel_soak import soak_kernel
from .session_soak import soak_session


def main(seconds: float) -> bool:
    """Run both, say what was found, and return whether anything is wrong."""
    os.environ["FAL_KEY"] = "soak:key"  # without a key, each look-up by fal-client keeps a lock in memory
    wrong = False
    for name, soak in (("one session", soak_session), ("one kernel", soak_kernel)):
        found = soak(seconds / 2)
        print(f"{name}: {found.report()}", flush=True)  # noqa: T201 - the command's answer
        wrong = wrong or bool(found.failures or found.grown())
    return wrong


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1])))
