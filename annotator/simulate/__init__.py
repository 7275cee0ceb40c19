"""An oracle annotator drives the real services and learner, to measure what labelling costs."""
