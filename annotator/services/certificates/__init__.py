"""Certificates: from the plan over the probes to the fill, and whether they still hold."""
