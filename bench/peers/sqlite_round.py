"""The database alone: one durable commit of BYTES on one side, then on the other (WAL, synchronous=FULL).

Usage: sqlite_round.py COUNT BYTES FOLDER. Prints {"samples_ms": [...]}.
"""

import json
import os
import sqlite3
import sys
import time


def main():
    count, size, folder = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    sides = []
    for side in "ab":
        database = sqlite3.connect(os.path.join(folder, f"{side}.db"), isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE IF NOT EXISTS kept (id TEXT PRIMARY KEY, body BLOB NOT NULL)")
        sides.append(database)
    samples = []
    for _ in range(count):
        name, body = os.urandom(16).hex(), os.urandom(size)
        began = time.perf_counter()
        for database in sides:
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO kept VALUES (?, ?)", (name, body))
            database.execute("COMMIT")
        samples.append((time.perf_counter() - began) * 1000)
    print(json.dumps({"samples_ms": samples}))


if __name__ == "__main__":
    main()
