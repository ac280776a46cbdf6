"""What people and machines see of the work: logs, metrics, status, summaries and a progress bar."""
