"""Engines run jobs: on this machine (local) or on a Dask cluster (dask). What each must offer:

    run(jobs: Iterable[tuple[Job, int]]) -> Iterator[tuple[Job, Result]]

Jobs come lazily, each with its seed; results come in any order, one for each job.
"""
