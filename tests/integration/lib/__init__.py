"""What the integration tests are made of: an EVM node, a market on it, Ballast's programs."""
