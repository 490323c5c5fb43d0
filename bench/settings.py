"""The settings that each contender runs with, and why.

Found by sweeps on two cores: 20,000 tasks after a warm-up of 10,000, candidates in turns. Between
the good ones of a contender the machine's noise is larger than their difference.
"""

from __future__ import annotations

from typing import Any

DELIVER: dict[str, dict[str, Any]] = {
    "pg_artery": {"processes": 1},
    "pg_artery-policed": {"processes": 1},
    "graphile-worker": {
        "processes": 1,
        "connections": 50,
        "concurrentJobs": 50,
        "maxPoolSize": 10,
        "localQueueSize": 200,
        "completeJobBatchDelay": 10,
    },
    "pg-boss": {
        "processes": 1,
        "connections": 50,
        "batchSize": 500,
        "localConcurrency": 2,
        "poolSize": 10,
    },
    "procrastinate": {"processes": 2, "concurrency": 10, "pool_size": 10},
}

# for a hundred tasks a second nothing is gained by batching: each worker fetches for itself at once
LATENCY: dict[str, dict[str, Any]] = {
    "pg_artery": {"processes": 1},
    "graphile-worker": {
        "processes": 1,
        "connections": 10,
        "concurrentJobs": 10,
        "maxPoolSize": 12,
        "localQueueSize": 0,
        "completeJobBatchDelay": -1,
    },
}

WHY: dict[str, str] = {
    "graphile-worker": (
        "median of 8 runs: local queue of 200 27.9k/s, of 500 25.3k/s; 100 jobs at once 25.0k/s; "
        "two processes 23.7-27.3k/s; local queue of 1,000 and more 18-26k/s. Completion batched "
        "for 10 ms rather than 0 saves the database 2 µs a task; 50 ms gains no more."
    ),
    "pg-boss": (
        "median of 8 runs: batches of 500 with two workers in one process 20.9k/s, in two "
        "processes 18.8k/s, one worker in each of two 19.1k/s; batches of 250 and 1,000 within "
        "the noise"
    ),
    "procrastinate": (
        "two processes of 10 jobs 674/s, of 20 650/s, of 40 614/s; three of 10 564/s; one of 100 "
        "600/s, of 20 512/s. aiohttp, because httpx costs many times its CPU; no check of pooled "
        "connections, which costs a round trip a statement."
    ),
}
