"""What every worker process needs: start, logs, failpoints."""
