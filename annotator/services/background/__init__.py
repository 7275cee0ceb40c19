"""Work that takes long: in short transactions, in a subprocess, or cached for a while."""
