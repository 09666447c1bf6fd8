"""Measurements, each beside a peer or a limit of the same machine in the same run."""
