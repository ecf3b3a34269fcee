"""The floor: a process that answers on a pty with as many bytes as a pump would, doing nothing.

``python -m benchmarks.echo REQUEST_BYTES REPLY_BYTES`` prints the port and answers until killed.
"""

import os
import sys
import tty


def main() -> None:
    """Answer every REQUEST_BYTES read with REPLY_BYTES."""
    request_bytes, reply_bytes = int(sys.argv[1]), int(sys.argv[2])
    master, replica = os.openpty()
    tty.setraw(replica)
    print(os.ttyname(replica), flush=True)
    reply = bytes(reply_bytes)
    pending = 0
    while True:
        pending += len(os.read(master, 4096))
        while pending >= request_bytes:
            pending -= request_bytes
            os.write(master, reply)


if __name__ == "__main__":
    main()
