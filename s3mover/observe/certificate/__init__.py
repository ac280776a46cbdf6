"""The report on a pair of buckets as a document for people; `commands/certificate.py` collects the facts."""
