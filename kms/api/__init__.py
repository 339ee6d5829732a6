"""KMS over HTTP: hosts, readings, count, forecast, clients, verdict."""
