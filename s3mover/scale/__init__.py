"""Scaling out on Dask: what supervisor and machines send each other, and the adapters of Dask.

`tasks.py` and `messages.py` know nothing of Dask. The rest imports `distributed`, which the extra `s3mover[scale]`
installs: it is loaded only where `scale.scheduler` is set, or by the commands `scheduler` and `worker`.
"""
