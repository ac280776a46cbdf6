"""S3 events from an SQS queue: parsed, reduced to one change per key, and received by a process of its own."""
