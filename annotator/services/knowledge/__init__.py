"""What is known of an open pair: suggestions, evidence, calibration and certified fills."""
