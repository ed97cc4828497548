// Placeholder until the first compute file lands.
