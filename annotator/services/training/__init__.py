"""Training from the pages: start and stop it, choose and compare versions, when to retrain."""
