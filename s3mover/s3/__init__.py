"""The S3 client: typed operations on one bucket over a lean HTTP client; foreign errors become `errors.py`'s."""
