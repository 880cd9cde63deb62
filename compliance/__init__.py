"""The MLPS catalogue, the checks that judge facts, the assessment."""
