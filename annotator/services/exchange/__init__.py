"""Label files in and out: imports planned and applied, exports written."""
