"""From a file to a scenario that makes sense, or everything that is wrong with it."""
