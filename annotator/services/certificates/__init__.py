"""Certificates: from the plan over the blind questions to the fill, and whether they still hold."""
