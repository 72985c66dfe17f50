"""Reads what is published, in many threads, until its standard input ends; then says how it went.

`python -m tests.readers.reader VIEWS HOW THREADS`. HOW is `attach`, which opens the file for every
session, or `connect`: within a process, DuckDB gives whoever connects to a file what is open
already. So there all sessions begin together, share it, and end together.
"""

import json
import os
import random
import sys
import threading
import time

import duckdb

MARTS = tuple(f"mart_{number}" for number in range(5))

LOOKS = 2
"""How often a session reads all marts."""

REST_S = 4.0
"""How long a session rests in between at most: meanwhile others are published."""


class Readers:
    """Threads that read, and what they saw."""

    def __init__(self, views, how, threads):
        self._views, self._how = views, how
        self._over = threading.Event()
        self._opened = 0.0
        self._together = threading.Barrier(threads, action=self._begin)
        self.errors, self.torn, self.latest = [], [], 0.0
        self.sessions = self.reads = 0
        self.threads = [threading.Thread(target=self._read_on) for _ in range(threads)]

    def run(self):
        """Read until standard input ends."""
        for thread in self.threads:
            thread.start()
        sys.stdin.read()
        self._over.set()
        for thread in self.threads:
            thread.join()

    def _begin(self):
        self._opened = time.time()
        self._is_last = self._over.is_set()

    def _read_on(self):
        while True:
            if self._how == "connect":
                self._together.wait()
                if self._is_last:
                    return
            elif self._over.wait(random.random() * REST_S / 2):
                return
            opened = self._opened if self._how == "connect" else time.time()
            try:
                self._session(opened)
            except duckdb.Error as error:
                self.errors.append({"opened": opened, "error": f"{type(error).__name__}: {error}"})
            if self._how == "connect":
                self._together.wait()  # so that nobody has it open any more

    def _session(self, opened):
        seen = {}
        with self._open() as database:
            for _ in range(LOOKS):
                for mart in MARTS:
                    found = database.execute(
                        f"select connection_id, as_of::varchar, count(*) from {mart} group by all"
                    ).fetchall()
                    for connection_id, as_of, _ in found:
                        seen.setdefault(connection_id, []).append(as_of)
                    self.reads += 1
                self._over.wait(random.random() * REST_S)
        self.sessions += 1
        self.latest = max(self.latest, opened)
        wanted = len(MARTS) * LOOKS
        if any(len(set(as_of)) != 1 or len(as_of) != wanted for as_of in seen.values()):
            self.torn.append({one: sorted(set(as_of)) for one, as_of in seen.items()})

    def _open(self):
        config = {"threads": 1, "memory_limit": "200MB"}
        if self._how == "connect":
            return duckdb.connect(self._views, read_only=True, config=config)
        database = duckdb.connect(config=config)
        database.execute(f"attach '{self._views}' as corvana (read_only); use corvana")
        return database


if __name__ == "__main__":
    os.nice(5)  # readers have machines of their own; here they share one with what publishes
    readers = Readers(sys.argv[1], sys.argv[2], int(sys.argv[3]))
    readers.run()
    said = ("sessions", "reads", "latest", "torn", "errors")
    sys.stdout.write(json.dumps({name: getattr(readers, name) for name in said}))
