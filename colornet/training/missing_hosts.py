"""Name the hosts that do not answer; a process of its own, run by `devices`.

TensorFlow waits for other hosts in native code in which no Python thread of the process runs.

    python missing_hosts.py SECONDS PARENT HOST:PORT …
"""

import os
import socket
import sys
import time


def main(seconds: str, parent: str, *addresses: str) -> None:
    """Wait some seconds, then print the addresses without a server, if the parent still waits."""
    time.sleep(float(seconds))
    missing = []
    for address in addresses:
        host, _, port = address.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=5).close()
        except OSError:
            missing.append(address)
    if missing and os.getppid() == int(parent):
        print(f"still waiting for {', '.join(missing)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
