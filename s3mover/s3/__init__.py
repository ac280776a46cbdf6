"""The S3 door: a lean wire client for one bucket; every foreign error becomes one of ours."""
