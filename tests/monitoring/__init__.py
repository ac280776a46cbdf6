"""What an operator looks at: a real Prometheus, the dashboard and the alerts, and the page in a real browser."""
