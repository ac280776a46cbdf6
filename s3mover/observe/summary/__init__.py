"""The summary file of a sweep: its text, and the files in the summary directory."""
