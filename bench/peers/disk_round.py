"""The physical limit: 4 KiB appended and synced on one side, then on the other.

Usage: disk_round.py COUNT BYTES FOLDER. Prints {"samples_ms": [...]}. BYTES is not used: 4 KiB is the least that
a disk writes.
"""

import json
import os
import sys
import time


def main():
    count, folder = int(sys.argv[1]), sys.argv[3]
    sides = [os.open(os.path.join(folder, side), os.O_CREAT | os.O_WRONLY | os.O_APPEND) for side in "ab"]
    block = os.urandom(4096)
    samples = []
    for _ in range(count):
        began = time.perf_counter()
        for side in sides:
            os.write(side, block)
            os.fsync(side)
        samples.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"samples_ms": samples}))


if __name__ == "__main__":
    main()
